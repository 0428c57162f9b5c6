package uploads_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// creation is a request that opens an upload and brings bytes of it.
type creation struct {
	method, target string
	path           string // of the file, and the Idempotency-Key
	fields         []string
	whole          int // the length of all contents, of which part are brought
	part           int
	want           map[string]string // fields of the answer
	append         func(offset int64) []string
}

const repeatedBytes = 600_000

func tusAppend(offset int64) []string {
	return []string{
		"Tus-Resumable", "1.0.0", "Content-Type", "application/offset+octet-stream",
		"Upload-Offset", strconv.FormatInt(offset, 10),
	}
}

// creations are the ways to open an upload with bytes, each for a path of its own.
func creations(prefix string) map[string]creation {
	const brought = repeatedBytes / 2
	ietf := func(complete string) []string {
		return []string{"Upload-Complete", complete, "Upload-Draft-Interop-Version", "8", "Content-Type", "text/plain"}
	}
	tus := append(tusAppend(0)[:4:4], "Upload-Length", strconv.Itoa(repeatedBytes))
	last := func(offset int64) []string { return partial(offset, "?1") }
	const put, post = "/v1/spaces/default/paths", "/v1/spaces/default/uploads?path="
	all := map[string]string{"Upload-Offset": strconv.Itoa(repeatedBytes)}
	some := map[string]string{"Upload-Offset": strconv.Itoa(brought)}
	made := map[string]creation{
		"IETF, PUT of all":   {"PUT", put, prefix + "put", ietf("?1"), repeatedBytes, repeatedBytes, map[string]string{"Upload-Complete": "?1"}, last},
		"IETF, POST of all":  {"POST", post, prefix + "all", ietf("?1"), repeatedBytes, repeatedBytes, map[string]string{"Upload-Complete": "?1"}, last},
		"IETF, POST of some": {"POST", post, prefix + "some", ietf("?0"), repeatedBytes, brought, some, last},
		"tus, all":           {"POST", post, prefix + "tus", tus, repeatedBytes, repeatedBytes, all, tusAppend},
		"tus, some":          {"POST", post, prefix + "tussome", tus, repeatedBytes, brought, some, tusAppend},
	}
	for name, c := range made {
		c.fields = append(slices.Clip(c.fields), "Idempotency-Key", c.path)
		made[name] = c
	}
	return made
}

// send makes the creation.
func (s *service) send(c creation, contents []byte) *http.Response {
	s.Helper()
	resp, answer, err := s.call(s.ctx, c.method, c.target+c.path, bytes.NewReader(contents[:c.part]), int64(c.part), c.fields...)
	must(s.T, err)
	s.Logf("%s %s: %s %.200s", c.method, c.path, resp.Status, answer)
	return resp
}

// TestRepeatedCreation makes each creation twice under one Idempotency-Key, as a
// client does that lost the answer.
func TestRepeatedCreation(t *testing.T) {
	s := start(t, fleet.Three, false, swift)
	contents := make([]byte, repeatedBytes)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(contents) // never fails
	for how, repeat := range map[string]func(*service, creation, []byte){
		"whole": (*service).repeatWhole, "cut": (*service).repeatCut,
	} {
		for name, c := range creations("/" + how + "/") {
			t.Run(how+"/"+name, func(t *testing.T) {
				repeat(&service{T: t, Fleet: s.Fleet, programs: s.programs, ctx: t.Context()}, c, contents)
			})
		}
	}
}

// repeatWhole repeats a creation that was answered: the answer is the same.
func (s *service) repeatWhole(c creation, contents []byte) {
	first, again := s.send(c, contents), s.send(c, contents)
	if first.StatusCode != http.StatusCreated {
		s.Fatalf("at first: %s", first.Status)
	}
	if again.StatusCode != first.StatusCode {
		s.Errorf("again: %s", again.Status)
	}
	for _, field := range []string{"Location", "Content-Location", "Etag", "Upload-Complete", "Upload-Offset"} {
		if want := first.Header.Get(field); again.Header.Get(field) != want {
			s.Errorf("again, %s: %q, at first %q", field, again.Header.Get(field), want)
		}
	}
	for field, want := range c.want {
		if got := first.Header.Get(field); got != want {
			s.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	s.goOn(c, again, contents)
}

// repeatCut repeats a creation that was cut: the client learns where the upload
// is and how far, and goes on.
func (s *service) repeatCut(c creation, contents []byte) {
	offset := s.cut(c, contents, c.part/2)
	again := s.send(c, contents)
	want := http.StatusCreated
	if c.want["Upload-Complete"] == "?1" {
		want = http.StatusConflict // a 2xx would be taken for the end
	}
	if again.StatusCode != want || again.Header.Get("Upload-Offset") != strconv.FormatInt(offset, 10) ||
		again.Header.Get("Location") == "" || again.Header.Get("Upload-Complete") == "?1" {
		s.Fatalf("again: %s %v", again.Status, again.Header)
	}
	s.goOn(c, again, contents)
	if again = s.send(c, contents); again.StatusCode != http.StatusCreated {
		s.Errorf("again, when it is complete: %s", again.Status)
	}
}

// cut sends a creation and a part of its bytes, closes the connection, and
// returns how much is kept once that does not change any more.
func (s *service) cut(c creation, contents []byte, sent int) int64 {
	s.Helper()
	conn, err := new(net.Dialer).DialContext(s.ctx, "tcp", strings.TrimPrefix(s.URL, "http://"))
	must(s.T, err)
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n", c.method, c.target+c.path, c.part)
	for i := 0; i < len(c.fields); i += 2 {
		fmt.Fprintf(&head, "%s: %s\r\n", c.fields[i], c.fields[i+1])
	}
	_, err = io.WriteString(conn, head.String()+"\r\n"+string(contents[:sent]))
	must(s.T, err)
	upload := ""
	if c.fields[0] == "Upload-Complete" {
		told, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(s.T, err)
		if upload = told.Header.Get("Location"); told.StatusCode != 104 || upload == "" {
			s.Fatalf("%s %v", told.Status, told.Header)
		}
		_ = told.Body.Close() // it has none
	}
	must(s.T, conn.Close())
	s.await("what came before the cut", func() bool {
		if upload == "" {
			// The same creation but for its bytes, which tells and adds nothing.
			without := c
			without.part = 0
			upload = s.send(without, contents).Header.Get("Location")
		}
		return s.kept(upload) == int64(sent)
	})
	return int64(sent)
}

// goOn completes an upload by the answer to its creation.
func (s *service) goOn(c creation, answer *http.Response, contents []byte) {
	s.Helper()
	if answer.Header.Get("Upload-Complete") != "?1" {
		offset, err := strconv.ParseInt(answer.Header.Get("Upload-Offset"), 10, 64)
		must(s.T, err)
		if offset < int64(c.whole) {
			rest := contents[offset:c.whole]
			resp, text, err := s.call(s.ctx, http.MethodPatch, answer.Header.Get("Location"), bytes.NewReader(rest), int64(len(rest)), c.append(offset)...)
			must(s.T, err)
			if resp.StatusCode >= http.StatusMultipleChoices {
				s.Errorf("the rest: %s %s", resp.Status, text)
			}
		}
	}
	s.holds(c.path, contents[:c.whole])
}
