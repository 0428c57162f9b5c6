package access_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
)

// linkDoors are the ways by which contents behind a link are fetched, by the
// status of REST and the code of gRPC.
func (w *world) linkDoors(uri string) (rest int, grpc string) {
	w.t.Helper()
	rest, _ = w.send(w.request(http.MethodGet, uri, ""))
	source := `{"signed":"` + strings.TrimPrefix(uri, "/d/") + `"}`
	if token, ok := strings.CutPrefix(uri, "/s/"); ok {
		source = `{"shared":{"token":"` + token + `"}}`
	}
	grpc, _ = w.dial(w.fleet.Storage, "").call(w.t, "", "holdfast.storage.v1.ContentService/Download", source)
	return rest, grpc
}

func (w *world) wantLink(uri, why string, leads bool) {
	w.t.Helper()
	rest, grpc := w.linkDoors(uri)
	if leads != (rest == http.StatusOK) || leads != (grpc == "OK") || !leads && (rest != http.StatusNotFound || grpc != "NF") {
		w.t.Errorf("%s: REST %d, gRPC %s; it leads somewhere: want %v", why, rest, grpc, leads)
	}
}

// signersRevoked: a signed link ends with the role, or the key, of who signed it,
// and what he signs is what he may read himself.
func (w *world) signersRevoked() {
	file := w.put(w.fresh())["name"].(string)
	sign := func(who string) string {
		w.t.Helper()
		status, text := w.call(who, http.MethodPost, "/v1/"+file+":sign", "{}")
		if status != http.StatusOK {
			w.t.Fatalf("%s signs: %d %s", who, status, text)
		}
		_, uri, _ := strings.Cut(string(text), `"uri":"`)
		uri, _, _ = strings.Cut(uri, `"`)
		return uri
	}
	who := w.fresh()
	w.bearers["signer"] = w.issuer.token(who, object{"groups": []string{who}})
	member := w.make(http.MethodPost, "/v1/spaces/team/members", `{"principal":"group:`+who+`","role":"READER"}`)
	byRole := sign("signer")
	w.wantLink(byRole, "signed by a reader", true)
	w.make(http.MethodDelete, "/v1/"+member["name"].(string), "")
	w.wantLink(byRole, "signed by who was a reader", false)
	w.make(http.MethodPost, "/v1/spaces/team/members", `{"principal":"user:`+who+`","role":"READER"}`)
	w.wantLink(byRole, "signed by who is a reader again", true)

	key := w.make(http.MethodPost, "/v1/spaces/team/keys", `{"scope":"READ"}`)
	w.bearers["signer"] = key["secret"].(string)
	byKey := sign("signer")
	w.wantLink(byKey, "signed with a key", true)
	w.make(http.MethodDelete, "/v1/"+key["name"].(string), "")
	w.wantLink(byKey, "signed with a key that was revoked", false)

	admin := sign("administrator")
	w.wantLink(admin, "signed by an administrator", true)
	w.make(http.MethodDelete, "/v1/"+file, "")
	w.wantLink(admin, "to a file in the trash", false)
	if status := w.status("owner of another space", http.MethodPost, "/v1/"+file+":sign", "{}"); status != http.StatusNotFound {
		w.t.Errorf("a link signed by a stranger: %d", status)
	}
}

// shareTokens: no token is another's, whatever is changed of it, and a link that was
// revoked answers like one that was never made.
func (w *world) shareTokens() {
	file := w.put(w.fresh())["name"].(string)
	share := w.make(http.MethodPost, "/v1/spaces/team/shares", `{"file":"`+file+`"}`)
	token, _ := share["token"].(string)
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 {
		w.t.Fatalf("a token of %d bytes: %v", len(raw), err)
	}
	w.wantLink("/s/"+token, "a share", true)
	for name, guess := range map[string]string{
		"cut": token[:42], "longer": token + "A", "lower case": strings.ToLower(token), "upper case": strings.ToUpper(token),
		"the first letter": flip(token, 0), "the middle": flip(token, 20), "the id": share["name"].(string)[len("spaces/team/shares/"):],
		"padded": token + "%3D", "zero": strings.Repeat("A", 43),
	} {
		rest, _ := w.send(w.request(http.MethodGet, "/s/"+guess, ""))
		if rest != http.StatusNotFound && rest != http.StatusBadRequest {
			w.t.Errorf("a token with %s changed: %d", name, rest)
		}
	}
	seen := map[string]bool{}
	for range 20 {
		made := w.make(http.MethodPost, "/v1/spaces/team/shares", `{"file":"`+file+`"}`)["token"].(string)
		if seen[made[:8]] {
			w.t.Error("two tokens begin alike")
		}
		seen[made[:8]] = true
	}
	w.make(http.MethodDelete, "/v1/"+share["name"].(string), "")
	w.wantLink("/s/"+token, "a share that was revoked", false)
	_, revoked := w.send(w.request(http.MethodGet, "/s/"+token, ""))
	_, never := w.send(w.request(http.MethodGet, "/s/"+flip(token, 0), ""))
	if neutral(revoked, token) != neutral(never, flip(token, 0)) {
		w.t.Errorf("a revoked link: %s\none that never was: %s", revoked, never)
	}
}

func flip(token string, at int) string {
	other := byte('A')
	if token[at] == other {
		other = 'B'
	}
	return token[:at] + string(other) + token[at+1:]
}

// sharePasswords: the password is asked for by every way in, and who guesses is
// stopped, wherever he guesses.
func (w *world) sharePasswords() {
	file := w.put(w.fresh())["name"].(string)
	share := w.make(http.MethodPost, "/v1/spaces/team/shares", `{"file":"`+file+`","password":"open sesame"}`)
	token := share["token"].(string)
	storage := w.dial(w.fleet.Storage, "")
	download := func(password string) string {
		got, _ := storage.call(w.t, "", "holdfast.storage.v1.ContentService/Download",
			`{"shared":{"token":"`+token+`","password":"`+password+`"}}`)
		return got
	}
	if rest, grpc := w.linkDoors("/s/" + token); rest != http.StatusUnauthorized || grpc != "UA" {
		w.t.Errorf("without the password: REST %d, gRPC %s", rest, grpc)
	}
	if got := download("open sesame"); got != "OK" {
		w.t.Errorf("with the password: %s", got)
	}
	// At once, so that no time passes in which one more is allowed.
	var mu sync.Mutex
	var all sync.WaitGroup
	codes := map[string]int{}
	for i := range 24 {
		all.Go(func() {
			code := ""
			if i%2 == 0 {
				code = download("guess")
			} else {
				status, _ := w.send(w.request(http.MethodPost, "/s/"+token, "password=guess"))
				code = http.StatusText(status)
			}
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	all.Wait()
	// Five at once from one address, and one each twenty seconds, of which some may have passed.
	if codes["UA"]+codes["Unauthorized"] > 12 || codes["ResourceExhausted"]+codes["Too Many Requests"] < 12 {
		w.t.Errorf("24 guesses came to %v", codes)
	}
}
