// Package tus_test asks tusd, the tus project's own server, and this service the
// same, and compares what they answer: status and the fields of the protocol.
// differences.md has each difference with the section of the specification that
// explains it.
package tus_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

var list = flag.Bool("list", false, "print the rows of all differences, without reasons")

// server is one of the two.
type server struct {
	*testing.T
	open      string // URL of where uploads are opened
	stranger  string // URL of an upload that never was
	locations []string
}

// answer is what is compared: a value by name, the status among them.
type answer map[string]string

// resolve returns text with the URLs that it stands for.
func (s *server) resolve(text string) string {
	for i := len(s.locations); i > 0; i-- {
		text = strings.ReplaceAll(text, fmt.Sprintf("$%d", i), s.locations[i-1])
	}
	if text == "?" || strings.HasSuffix(text, ";?") {
		text = strings.TrimSuffix(text, "?") + s.stranger
	}
	return text
}

// ask sends a step and returns what is compared of the answer.
func (s *server) ask(what step) answer {
	s.Helper()
	at := s.open
	if what.url != "" {
		at = s.resolve(what.url)
	}
	req, err := http.NewRequestWithContext(s.Context(), what.method, at, strings.NewReader(what.body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(what.fields); i += 2 {
		req.Header.Del(what.fields[i])
		if value := s.resolve(what.fields[i+1]); value != "" {
			req.Header.Set(what.fields[i], value)
		}
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.Fatal(err)
	}
	if what.method == http.MethodPost && what.url == "" {
		s.locations = append(s.locations, s.location(resp))
	}
	got := s.compared(resp)
	if err != nil {
		got["body"] = "cut short"
	}
	return got
}

// location returns the URL that a POST opened, or that of none.
func (s *server) location(resp *http.Response) string {
	found, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || found.Path == "" {
		return s.stranger
	}
	return resp.Request.URL.ResolveReference(found).String()
}

// compared returns the status and the fields of the protocol. Of URLs and times
// it says only that they are there.
func (s *server) compared(resp *http.Response) answer {
	got := answer{"status": fmt.Sprint(resp.StatusCode)}
	for name, values := range resp.Header {
		value := strings.Join(values, ", ")
		switch {
		case name == "Location" || name == "Upload-Expires":
			got[name] = "a value"
		case name == "Upload-Concat":
			base, _ := url.Parse(s.open) // asked before
			for i, location := range s.locations {
				short := strings.TrimPrefix(location, base.Scheme+"://"+base.Host)
				value = strings.ReplaceAll(strings.ReplaceAll(value, location, fmt.Sprintf("$%d", i+1)), short, fmt.Sprintf("$%d", i+1))
			}
			got[name] = value
		case name == "Upload-Metadata":
			// The order of the pairs says nothing (tus 1.0.0, Upload-Metadata),
			// and tusd takes them from a map. It also writes a space behind a key
			// without a value, which is lost when the pair is the last one.
			pairs := strings.Split(value, ",")
			for i, pair := range pairs {
				pairs[i] = strings.TrimRight(pair, " ")
			}
			slices.Sort(pairs)
			got[name] = strings.Join(pairs, ",")
		case strings.HasPrefix(name, "Tus-") || strings.HasPrefix(name, "Upload-") || name == "Cache-Control":
			got[name] = value
		}
	}
	return got
}

// difference is a row of the table: where two answers differ, and why.
type difference struct{ step, field, tusd, ours, why string }

func (d difference) row() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", d.step, d.field, d.tusd, d.ours, d.why)
}

// differences asks both servers a scenario.
func differences(tusd, ours *server, s scenario) []difference {
	var found []difference
	for i, what := range s.steps {
		a, b := tusd.ask(what), ours.ask(what)
		fields := map[string]bool{}
		for field := range a {
			fields[field] = true
		}
		for field := range b {
			fields[field] = true
		}
		for field := range fields {
			if a[field] != b[field] {
				found = append(found, difference{
					step: fmt.Sprintf("%s %d", s.name, i+1), field: field, tusd: orDash(a[field]), ours: orDash(b[field]),
				})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b difference) int { return strings.Compare(a.step+a.field, b.step+b.field) })
	return found
}

func orDash(value string) string {
	if value == "" {
		return "–"
	}
	return value
}

// explained reads the table. A row whose step is * is about every step.
func explained(t *testing.T) []difference {
	t.Helper()
	text, err := os.ReadFile("differences.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []difference
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 5 || strings.TrimSpace(cells[0]) == "step" {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, difference{cells[0], cells[1], cells[2], cells[3], cells[4]})
	}
	return rows
}

// sections are those of the specification that a reason may name.
var sections = []string{
	"Core Protocol", "Creation", "Creation With Upload", "Expiration", "Checksum", "Termination", "Concatenation",
	"Upload-Offset", "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat", "Upload-Checksum", "Upload-Expires",
	"Tus-Version", "Tus-Resumable", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm",
	"X-HTTP-Method-Override", "HEAD", "PATCH", "OPTIONS", "POST", "DELETE",
}

// TestSideBySide has both servers do the same. Each difference is in the table,
// with a section of the specification, and the table has no other.
func TestSideBySide(t *testing.T) {
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reference, err := fleet.StartTusd(t.Context(), programs, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reference.Kill(); err != nil {
			t.Error(err)
		}
	})
	own, err := fleet.Start(t.Context(), fleet.Config{
		Mode: fleet.One, Programs: programs, DataDir: t.TempDir(), Flags: map[string]string{"log-level": "error"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	table := explained(t)
	for _, row := range table {
		if !slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(row.why, s+": ") }) {
			t.Errorf("a row without a section of the specification: %s", row.row())
		}
	}
	used := make([]bool, len(table))
	uploads := own.URL + "/v1/spaces/default/uploads"
	for _, s := range scenarios {
		tusd := &server{T: t, open: reference.URL, stranger: reference.URL + "/0123456789abcdef0123456789abcdef"}
		ours := &server{T: t, open: uploads, stranger: uploads + "/0199f0a0-0000-7000-8000-000000000000"}
		for _, d := range differences(tusd, ours, s) {
			if *list {
				t.Log(d.row())
			}
			known := slices.IndexFunc(table, func(row difference) bool {
				return (row.step == d.step || row.step == "*") && row.field == d.field && row.tusd == d.tusd && row.ours == d.ours
			})
			if known < 0 {
				t.Errorf("not in differences.md: %s", d.row())
				continue
			}
			used[known] = true
		}
	}
	for i, row := range table {
		if !used[i] {
			t.Errorf("no difference any more: %s", row.row())
		}
	}
}
