package access_test

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// pathTraversal: no spelling of a path leads out of its space.
func (w *world) pathTraversal() {
	for _, path := range []string{
		"/v1/spaces/team/paths/../../other/paths/secret.txt",
		"/v1/spaces/team/paths/%2e%2e/%2E%2e/other/paths/secret.txt",
		"/v1/spaces/team/paths/..%2f..%2Fother%2fpaths%2fsecret.txt",
		"/v1/spaces/team/paths/%252e%252e%252fother%252fpaths%252fsecret.txt",
		"/v1/spaces/team/paths/..%5c..%5cother%5cpaths%5csecret.txt",
		`/v1/spaces/team/paths/..\..\othere\paths\secret.txt`,
		"/v1/spaces/team/paths/..;/..;/other/paths/secret.txt",
		"/v1/spaces/team/paths/%c0%ae%c0%ae/%c0%ae%c0%ae/other/paths/secret.txt",
		"/v1/spaces/team/paths/%c0%af..%c0%afother/paths/secret.txt",
		"/v1/spaces/team/paths/%e0%80%ae%e0%80%ae/other/paths/secret.txt",
		"/v1/spaces/team/paths/%uff0e%uff0e/other/paths/secret.txt",
		"/v1/spaces/team/paths/．．/other/paths/secret.txt",
		"/v1/spaces/team/paths//v1/spaces/other/paths/secret.txt",
		"/v1/spaces/team/paths/%00/../../other/paths/secret.txt",
		"/v1/spaces/team/paths/a%00/secret.txt",
		"/v1/spaces/team/../other/paths/secret.txt",
		"/v1/spaces/team%2f..%2fother/paths/secret.txt",
		"/v1/spaces/team%2fpaths/../../other/paths/secret.txt",
		"/v1/spaces/./other/paths/secret.txt",
		"/v1//spaces/other/paths/secret.txt",
		"/v1/spaces/team/files:lookup?path=/../../other/paths/secret.txt",
		"/v1/spaces/team/files:lookup?path=../other/secret.txt",
		"/v1/spaces/team/files/..%2f..%2fother%2ffiles%2froot",
		"/v1/spaces/team/files/../../../spaces/other/files",
		"/v1/spaces/team/files?folder=spaces/team/files/../../other/files/root",
		"/v1/spaces/team/files?path=/..",
		"/static/../v1/spaces/other/paths/secret.txt",
	} {
		request := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + w.bearers["reader"] + "\r\nConnection: close\r\n\r\n"
		if status := w.raw(request); status < 400 || status >= 500 {
			w.t.Errorf("GET %s: %d", path, status)
		}
	}
}

// lineBreaks: a name never breaks out of the header field that it stands in.
func (w *world) lineBreaks() {
	for _, name := range []string{
		"a\r\nSet-Cookie: a=b", "a\nb", "a\rb", "a\x00b", "a\u0085b", "a\u2028b\r", "\r\n\r\n<script>", "a\x7fb",
	} {
		body := `{"displayName":` + quoted(name) + `,"kind":"FOLDER"}`
		if status := w.status("writer", http.MethodPost, "/v1/spaces/team/files", body); status != http.StatusBadRequest {
			w.t.Errorf("a folder named %q: %d", name, status)
		}
		target := "/v1/spaces/team/paths/" + url.PathEscape(name)
		if status := w.status("writer", http.MethodPut, target, "x"); status != http.StatusBadRequest {
			w.t.Errorf("a file named %q: %d", name, status)
		}
		if status := w.status("writer", http.MethodGet, target+"?download=1", ""); status != http.StatusBadRequest {
			w.t.Errorf("a download named %q: %d", name, status)
		}
		body = `{"principal":` + quoted("user:"+name) + `,"role":"READER"}`
		if status := w.status("owner", http.MethodPost, "/v1/spaces/team/members", body); status != http.StatusBadRequest {
			w.t.Errorf("a member named %q: %d", name, status)
		}
	}
}

func quoted(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range name {
		if r < ' ' || r > '~' || r == '"' {
			const digits = "0123456789abcdef"
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte(digits[r>>shift&15])
			}
			continue
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}

// storedScripts: what somebody uploads is no page of ours for somebody else.
func (w *world) storedScripts() {
	const script = `<html><script>alert(document.domain)</script></html>`
	for name, contentType := range map[string]string{
		"page.html": "text/html", "page.xhtml": "application/xhtml+xml", "picture.svg": "image/svg+xml", "data.xml": "text/xml",
		"feed.rss": "application/rss+xml", "script.js": "text/javascript", "sheet.xsl": "text/xsl", "old.mht": "message/rfc822",
		"sniffed.png": "text/html; charset=utf-7", "plain.pdf": "application/pdf", "untyped": "", "page.txt": "TEXT/HTML",
		`"><img src=x onerror=alert(1)>.html`: "text/html", "a;filename=b.html": "text/html", "ü\u202egnp.html": "text/html",
		"'; script-src *.svg": "image/svg+xml",
	} {
		w.storeScript(name, contentType, script)
	}
	got := w.get("/v1/spaces/team/paths/" + url.PathEscape("page.html"))
	if got.Get("Set-Cookie") != "" || got.Get("Access-Control-Allow-Origin") != "" {
		w.t.Errorf("got %v", got)
	}
}

func (w *world) storeScript(name, contentType, script string) {
	w.t.Helper()
	target := "/v1/spaces/team/paths/" + url.PathEscape(name)
	req := w.request(http.MethodPut, target, script)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", "Bearer "+w.bearers["writer"])
	if status, text := w.send(req); status != http.StatusCreated {
		w.t.Errorf("%q: %d %s", name, status, text)
		return
	}
	header := w.get(target)
	disposition, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	policy := header.Get("Content-Security-Policy")
	switch {
	case err != nil || disposition != "attachment" || params["filename"] != name:
		w.t.Errorf("%q: Content-Disposition %q: %v", name, header.Get("Content-Disposition"), err)
	case header.Get("X-Content-Type-Options") != "nosniff":
		w.t.Errorf("%q may be sniffed", name)
	case !strings.Contains(policy, "sandbox") || strings.Contains(policy, "allow-scripts"):
		w.t.Errorf("%q: Content-Security-Policy %q", name, policy)
	case !strings.Contains(header.Get("Cache-Control"), "private"):
		w.t.Errorf("%q may be kept by a shared cache: %q", name, header.Get("Cache-Control"))
	}
}

// get returns the header of an answer.
func (w *world) get(target string) http.Header {
	w.t.Helper()
	req := w.request(http.MethodGet, target, "")
	req.Header.Set("Authorization", "Bearer "+w.bearers["reader"])
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		w.t.Fatal(err)
	}
	return resp.Header
}
