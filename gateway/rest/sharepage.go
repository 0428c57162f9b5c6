package rest

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// The pages of share links. Names of files come from whoever uploaded them, so
// html/template escapes them for where they stand, and the policy lets a page
// run nothing, load nothing and be framed by nobody.
const pagePolicy = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var (
	folderPage = page("folder", `<h1>{{.Name}}</h1>
<ul>{{range .Entries}}
<li><a href="{{.Href}}">{{.Name}}</a>{{if not .Folder}} {{.SizeBytes}} bytes{{end}}</li>{{end}}
</ul>{{if .Next}}
<p><a href="{{.Next}}" rel="next">more</a></p>{{end}}`)
	passwordPage = page("password", `<h1>Password</h1>{{if .}}
<p>This is not the password.</p>{{end}}
<form method="post"><input type="password" name="password" required autofocus autocomplete="off">
<button>Open</button></form>`)
	nothingPage = page("nothing", `<h1>Nothing here</h1>
<p>There is nothing behind this link, or no more.</p>`)
)

func page(name, body string) *template.Template {
	const frame = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Shared files</title></head><body>
`
	return template.Must(template.New(name).Parse(frame + body + "\n</body></html>\n"))
}

type folderView struct {
	Name    string
	Entries []entryView
	Next    string
}

type entryView struct {
	Name, Href string
	Folder     bool
	SizeBytes  int64
}

// showFolder answers with what is in a shared folder: a page for browsers, else
// JSON without the proof of the password.
func (x *exchange) showFolder(found *metadatav1.OpenShareResponse) error {
	if !x.wantsPage() {
		found.Ticket = nil
		text, err := marshal(found)
		if err != nil {
			return err
		}
		x.writeJSON(http.StatusOK, text)
		return nil
	}
	here := strings.TrimSuffix(x.r.URL.EscapedPath(), "/")
	view := folderView{Name: found.GetNode().GetDisplayName()}
	for _, e := range found.GetEntries() {
		view.Entries = append(view.Entries, entryView{
			Name: e.GetDisplayName(), Href: here + "/" + url.PathEscape(e.GetDisplayName()),
			Folder: e.GetKind() == metadatav1.File_FOLDER, SizeBytes: e.GetSizeBytes(),
		})
	}
	if next := found.GetNextPageToken(); next != "" {
		view.Next = here + "?pageToken=" + url.QueryEscape(next)
	}
	return x.showPage(http.StatusOK, folderPage, view)
}

// showPage answers with a page.
func (x *exchange) showPage(status int, page *template.Template, view any) error {
	var text bytes.Buffer
	if err := page.Execute(&text, view); err != nil {
		return err
	}
	x.w.Header()["Content-Security-Policy"] = []string{pagePolicy}
	x.w.Header()["X-Frame-Options"] = []string{"DENY"}
	x.write(status, htmlType, text.Bytes())
	return nil
}
