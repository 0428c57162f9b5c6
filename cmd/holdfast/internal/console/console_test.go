package console_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/console"
)

func TestSize(t *testing.T) {
	for _, test := range []struct {
		bytes int64
		text  string
	}{
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{10188, "9.9 KiB"},
		{10189, "10 KiB"},
		{1023 << 10, "1023 KiB"},
		{1<<20 - 1, "1.0 MiB"},
		{1 << 20, "1.0 MiB"},
		{5 << 40, "5.0 TiB"},
		{math.MaxInt64, "8.0 EiB"},
	} {
		if got := console.Size(test.bytes); got != test.text {
			t.Errorf("%d: got %q, want %q", test.bytes, got, test.text)
		}
	}
}

func FuzzSizeIsShort(f *testing.F) {
	f.Add(int64(1048064))
	f.Fuzz(func(t *testing.T, bytes int64) {
		if got := console.Size(max(0, bytes)); len(got) > 8 {
			t.Errorf("%d: %q", bytes, got)
		}
	})
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"größe 🗂":           "größe 🗂",
		"a\x1b[31mb\nc\x00": "a?[31mb?c?",
		"\u009b":            "?",
		"bad\xffbyte":       "bad?byte",
	} {
		if got := console.Printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no room")

// TestPrinterKeepsErrors checks that output which is lost is noticed.
func TestPrinterKeepsErrors(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		p := (&console.Console{Out: full{}}).Printer(asJSON)
		p.Line("text")
		p.Object(1)
		p.Flush()
		if err := p.Close(); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
	}
}

func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := (&console.Console{Out: &out}).Printer(true)
	p.Line("%s", "a\tb")
	p.Object(map[string]string{"name": "<&>"})
	if err := p.Close(); err != nil || out.String() != "a?b\n{\"name\":\"<&>\"}\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
