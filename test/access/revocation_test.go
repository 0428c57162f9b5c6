package access_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"
)

// revocation: what is taken away is gone for the next call, on every door.
func (w *world) revocation() {
	who := w.fresh()
	w.bearers["joiner"] = w.issuer.token(who, object{"groups": []string{who}})
	metadata := w.dial(w.fleet.Metadata, "")
	see := func(want int, code string) {
		w.t.Helper()
		if got := w.status("joiner", http.MethodGet, "/v1/spaces/team/files", ""); got != want {
			w.t.Errorf("REST: %d, want %d", got, want)
		}
		if got, err := metadata.call(w.t, w.bearers["joiner"], "holdfast.metadata.v1.FileService/ListFiles", `{"parent":"spaces/team"}`); got != code {
			w.t.Errorf("gRPC: %s, want %s: %v", got, code, err)
		}
	}
	for range 3 {
		see(http.StatusNotFound, "NF")
		member := w.make(http.MethodPost, "/v1/spaces/team/members", `{"principal":"group:`+who+`","role":"WRITER"}`)
		see(http.StatusOK, "OK")
		if got := w.status("joiner", http.MethodPut, "/v1/spaces/team/paths/"+w.fresh(), "x"); got != http.StatusCreated {
			w.t.Errorf("a writer writes: %d", got)
		}
		w.make(http.MethodPatch, "/v1/"+member["name"].(string), `{"role":"READER"}`)
		if got := w.status("joiner", http.MethodPut, "/v1/spaces/team/paths/"+w.fresh(), "x"); got != http.StatusForbidden {
			w.t.Errorf("who is no writer any more writes: %d", got)
		}
		see(http.StatusOK, "OK")
		w.make(http.MethodDelete, "/v1/"+member["name"].(string), "")
		see(http.StatusNotFound, "NF")
	}
	key := w.make(http.MethodPost, "/v1/spaces/team/keys", `{"scope":"READ"}`)
	w.bearers["joiner"] = key["secret"].(string)
	see(http.StatusOK, "OK")
	w.make(http.MethodDelete, "/v1/"+key["name"].(string), "")
	see(http.StatusUnauthorized, "UA")
}

// revokedOnTheWay: an upload whose key is revoked, or whose role is taken away,
// while its bytes arrive leaves nothing. One whose token merely expires is
// finished.
func (w *world) revokedOnTheWay() {
	key := w.make(http.MethodPost, "/v1/spaces/team/keys", `{"scope":"WRITE"}`)
	w.bearers["leaver"] = key["secret"].(string)
	w.slowUpload(http.StatusUnauthorized, func() { w.make(http.MethodDelete, "/v1/"+key["name"].(string), "") })

	who := w.fresh()
	w.bearers["leaver"] = w.issuer.token(who, nil)
	member := w.make(http.MethodPost, "/v1/spaces/team/members", `{"principal":"user:`+who+`","role":"WRITER"}`)
	w.slowUpload(http.StatusCreated, func() {})
	w.slowUpload(http.StatusNotFound, func() { w.make(http.MethodDelete, "/v1/"+member["name"].(string), "") })
}

// slowUpload does something after an upload was let in and before it ends.
func (w *world) slowUpload(want int, meanwhile func()) {
	w.t.Helper()
	name := w.fresh()
	reader, writer := io.Pipe()
	req := w.request(http.MethodPut, "/v1/spaces/team/paths/"+name, "")
	req.Body, req.ContentLength = reader, -1
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("Authorization", "Bearer "+w.bearers["leaver"])
	go func() {
		// More than is buffered anywhere: when it is taken, the upload was let in.
		_, err := writer.Write(bytes.Repeat([]byte("x"), 8<<20))
		if err == nil {
			meanwhile()
			_, err = writer.Write([]byte("end"))
		}
		_ = writer.CloseWithError(err) // never fails
	}()
	status, text := w.send(req)
	if status != want {
		w.t.Errorf("%d, want %d: %s", status, want, text)
	}
	seen := w.status("administrator", http.MethodGet, "/v1/spaces/team/paths/"+name, "")
	if (seen == http.StatusOK) != (want == http.StatusCreated) {
		w.t.Errorf("after an upload that ended with %d the file is %d", want, seen)
	}
}

// auditTellsNoSecrets checks the audit log: decisions are in it, and no
// credential is in any log.
func (w *world) auditTellsNoSecrets() {
	w.t.Helper()
	w.call("reader", http.MethodDelete, "/v1/spaces/team", "")
	w.call("writer", http.MethodPut, "/v1/spaces/team/paths/audited.txt", "audited")
	file := w.put(w.fresh())["name"].(string)
	share := w.make(http.MethodPost, "/v1/spaces/team/shares", `{"file":"`+file+`","password":"open sesame"}`)
	link := share["token"].(string)
	for _, password := range []string{"wrong", "open sesame"} {
		w.send(w.request(http.MethodPost, "/s/"+link, "password="+password))
	}
	signed := w.make(http.MethodPost, "/v1/"+file+":sign", "{}")["uri"].(string)
	if status := w.status("", http.MethodGet, signed, ""); status != http.StatusOK {
		w.t.Errorf("the signed link: %d", status)
	}
	linked := "share:team/" + share["name"].(string)[len("spaces/team/shares/"):]
	wanted := []string{
		linked + " holdfast.metadata.v1.ShareService/OpenShare denied " + file,
		linked + " holdfast.metadata.v1.ShareService/OpenShare allowed " + file,
		"user:root holdfast.ledger.v1.LedgerService/LocateShared allowed " + file,
		"user:reader holdfast.metadata.v1.SpaceService/DeleteSpace denied",
		"user:writer holdfast.ledger.v1.LedgerService/Begin allowed",
		"user:writer holdfast.ledger.v1.LedgerService/Commit allowed",
	}
	// What a program has written takes a moment to arrive here.
	logs, missing := "", wanted
	for deadline := time.Now().Add(time.Minute); len(missing) > 0 && time.Now().Before(deadline); runtime.Gosched() {
		logs = w.logs()
		told := w.auditTold(logs)
		missing = slices.DeleteFunc(slices.Clone(wanted), func(line string) bool { return told[line] })
	}
	for _, line := range missing {
		w.t.Errorf("the audit log does not tell: %s", line)
	}
	for who, bearer := range w.bearers {
		if bearer != "" && strings.Contains(logs, bearer) {
			w.t.Errorf("the credential of the %s is in a log", who)
		}
	}
	if strings.Contains(logs, "hf_") || strings.Contains(logs, link) || strings.Contains(logs, signed) || strings.Contains(logs, ledgerToken) {
		w.t.Error("a secret is in a log")
	}
}

// auditTold returns who did what with which result, by the audit log.
func (w *world) auditTold(logs string) map[string]bool {
	w.t.Helper()
	told := map[string]bool{}
	for line := range strings.Lines(logs) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil || entry["logger"] != "audit" {
			continue
		}
		for _, name := range []string{"principal", "kind", "method", "resource", "address", "result", "request_id", "time"} {
			if _, ok := entry[name]; !ok {
				w.t.Errorf("the audit log does not tell the %s: %s", name, line)
			}
		}
		line := fmt.Sprint(entry["principal"], " ", entry["method"], " ", entry["result"])
		told[line], told[line+" "+fmt.Sprint(entry["resource"])] = true, true
	}
	return told
}
