package header

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
)

func TestParseTusMetadata(t *testing.T) {
	long := "k " + base64.StdEncoding.EncodeToString(make([]byte, 3000))
	for name, c := range map[string]struct {
		lines     []string
		want      TusMetadata
		canonical string
	}{
		"none":            {nil, nil, ""},
		"empty":           {[]string{""}, nil, ""},
		"of the standard": {[]string{"filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential"}, TusMetadata{"filename": "world_domination_plan.pdf", "is_confidential": ""}, "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential"},
		"empty value":     {[]string{"a ,b "}, TusMetadata{"a": "", "b": ""}, "a,b"},
		"spaces":          {[]string{" a YQ== , b Yg== "}, TusMetadata{"a": "a", "b": "b"}, "a YQ==,b Yg=="},
		"empty elements":  {[]string{",,a YQ==,"}, TusMetadata{"a": "a"}, "a YQ=="},
		"two lines":       {[]string{"a YQ==", "b Yg=="}, TusMetadata{"a": "a", "b": "b"}, "a YQ==,b Yg=="},
		"UTF-8":           {[]string{"filename 5pel5pys"}, TusMetadata{"filename": "日本"}, "filename 5pel5pys"},
		"key in UTF-8":    {[]string{"å YQ=="}, TusMetadata{"å": "a"}, "å YQ=="},
		"case counts":     {[]string{"a YQ==,A Yg=="}, TusMetadata{"a": "a", "A": "b"}, "a YQ==,A Yg=="},
		"long":            {[]string{long}, TusMetadata{"k": string(make([]byte, 3000))}, long},
	} {
		got, canonical, err := ParseTusMetadata(c.lines)
		if err != nil || !maps.Equal(got, c.want) || canonical != c.canonical {
			t.Errorf("%s: %v, %q, %v; want %v, %q", name, got, canonical, err, c.want, c.canonical)
		}
	}
}

func TestParseTusMetadataRefuses(t *testing.T) {
	for _, line := range []string{
		"a YQ==,a Yg==", "a,a", "a YQ", "a Y-_=", "a YQ== b", "a =", "a\tYQ==", "\x00 YQ==", "a\x7f YQ==",
		"k " + base64.StdEncoding.EncodeToString(make([]byte, 3072)),
		strings.Repeat("k", 4097),
	} {
		if got, _, err := ParseTusMetadata([]string{line}); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%.60q: %v, %v; want INVALID_ARGUMENT", line, got, err)
		}
	}
}

// What a client sees again reads as what it sent, however it had spelled it.
func FuzzParseTusMetadata(f *testing.F) {
	for _, seed := range []string{"filename d29ybGQ=,x", " a YQ== ,, b ", "a  YQ==", "å YQ==", "a YQ==,a YQ==", "a Y\rQ=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		pairs, canonical, err := ParseTusMetadata([]string{line})
		if err != nil {
			if fault.ReasonOf(err) != fault.Invalid.Reason {
				t.Fatal(err)
			}
			return
		}
		again, same, err := ParseTusMetadata([]string{canonical})
		if err != nil || same != canonical || !maps.Equal(again, pairs) {
			t.Fatalf("%q is %q, which reads as %q, %v, %v", line, canonical, same, again, err)
		}
		if len(canonical) > maxTusMetadataBytes || strings.ContainsAny(canonical, "\r\n\x00") {
			t.Fatalf("%q cannot stand in an answer", canonical)
		}
	})
}
