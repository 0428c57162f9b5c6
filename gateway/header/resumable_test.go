package header

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
)

func TestParseResumable(t *testing.T) {
	ten, yes, no := int64(10), true, false
	for name, c := range map[string]struct {
		header http.Header
		want   Resumable
	}{
		"none":            {fieldsOf(), Resumable{}},
		"all":             {fieldsOf("Upload-Offset", "10", "Upload-Complete", "?1", "Upload-Length", "10", "Upload-Draft-Interop-Version", "8"), Resumable{&ten, &yes, &ten, interopOf(8)}},
		"not complete":    {fieldsOf("Upload-Complete", "?0"), Resumable{Complete: &no}},
		"parameters":      {fieldsOf("Upload-Complete", "?1;x=1", "Upload-Offset", "10;a"), Resumable{Offset: &ten, Complete: &yes}},
		"spaces":          {fieldsOf("Upload-Offset", " 10 "), Resumable{Offset: &ten}},
		"another type":    {fieldsOf("Upload-Offset", "?1", "Upload-Complete", "1", "Upload-Length", `"10"`), Resumable{}},
		"decimal":         {fieldsOf("Upload-Offset", "10.0"), Resumable{}},
		"negative":        {fieldsOf("Upload-Offset", "-1", "Upload-Length", "-10"), Resumable{}},
		"16 digits":       {fieldsOf("Upload-Offset", "1000000000000000"), Resumable{}},
		"list":            {fieldsOf("Upload-Offset", "10, 10"), Resumable{}},
		"twice":           {fieldsOf("Upload-Complete", "?1", "Upload-Complete", "?1"), Resumable{}},
		"true":            {fieldsOf("Upload-Complete", "true"), Resumable{}},
		"unknown interop": {fieldsOf("Upload-Draft-Interop-Version", "3"), Resumable{}},
		"future interop":  {fieldsOf("Upload-Draft-Interop-Version", "9"), Resumable{}},
		"interop as text": {fieldsOf("Upload-Draft-Interop-Version", `"8"`), Resumable{}},
	} {
		got := ParseResumable(c.header)
		if !same(got.Offset, c.want.Offset) || !same(got.Complete, c.want.Complete) || !same(got.Length, c.want.Length) || got.Interop != c.want.Interop {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func same[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func TestIsResumable(t *testing.T) {
	for field, want := range map[string]bool{
		"Upload-Complete": true, "Upload-Draft-Interop-Version": true, "Upload-Offset": false, "Upload-Length": false, "Tus-Resumable": false,
	} {
		if got := IsResumable(fieldsOf(field, "?1")); got != want {
			t.Errorf("%s: %v", field, got)
		}
	}
}

// Each iteration of the draft gets the key that it knows.
func TestUploadLimit(t *testing.T) {
	for _, c := range []struct {
		interop  string
		lifetime time.Duration
		want     string
	}{
		{"6", time.Hour, "max-size=1099511627776, expires=3600"},
		{"7", time.Hour, "max-size=1099511627776, max-age=3600"},
		{"8", time.Hour, "max-size=1099511627776, max-age=3600"},
		{"", 1500 * time.Millisecond, "max-size=1099511627776, max-age=1"},
		{"8", 0, "max-size=1099511627776"},
	} {
		r := ParseResumable(fieldsOf("Upload-Draft-Interop-Version", c.interop))
		got := r.UploadLimit(UploadLimits{MaxSize: 1 << 40, Lifetime: c.lifetime})
		if got != c.want {
			t.Errorf("interop %s: %s, want %s", c.interop, got, c.want)
		}
		if _, err := httpsfv.UnmarshalDictionary([]string{got}); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func FuzzParseResumable(f *testing.F) {
	for _, seed := range [][2]string{{"10", "?1"}, {"-1", "?2"}, {"1.5", `"x"`}, {"(1 2)", ":AA==:"}, {"999999999999999;a=b", "?0;x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, number, flag string) {
		h := http.Header{"Upload-Offset": {number}, "Upload-Length": {number}, "Upload-Complete": {flag}, "Upload-Draft-Interop-Version": {number}}
		r := ParseResumable(h)
		if r.Offset != nil && (*r.Offset < 0 || *r.Offset > 999_999_999_999_999) || (r.Offset == nil) != (r.Length == nil) {
			t.Fatalf("%q: %v, %v", number, r.Offset, r.Length)
		}
		if r.Interop != nil && (r.Offset == nil || *r.Offset != r.Interop.Version) {
			t.Fatalf("%q: %v", number, r.Interop)
		}
		limit := r.UploadLimit(UploadLimits{MaxSize: math.MaxInt32, Lifetime: time.Minute})
		if dict, err := httpsfv.UnmarshalDictionary([]string{limit}); err != nil || len(dict.Names()) != 2 {
			t.Fatalf("%q: %v", limit, err)
		}
	})
}
