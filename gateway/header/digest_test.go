package header

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
)

var (
	sum256 = sha256.Sum256([]byte("x"))
	sum512 = sha512.Sum512([]byte("x"))
	text1  = "sha-256=:" + base64.StdEncoding.EncodeToString(sum256[:]) + ":"
	text5  = "sha-512=:" + base64.StdEncoding.EncodeToString(sum512[:]) + ":"
	other  = "sha-256=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":"
)

func TestParseDigests(t *testing.T) {
	const none, one, five, both = 0, 1, 2, 3
	for name, c := range map[string]struct {
		header http.Header
		want   int
	}{
		"none":               {fieldsOf(), none},
		"repr":               {fieldsOf("Repr-Digest", text1), one},
		"content":            {fieldsOf("Content-Digest", text1), one},
		"both fields":        {fieldsOf("Repr-Digest", text1, "Content-Digest", text1), one},
		"one in each":        {fieldsOf("Repr-Digest", text1, "Content-Digest", text5), both},
		"both in one":        {fieldsOf("Repr-Digest", text1+", "+text5), both},
		"two lines":          {fieldsOf("Repr-Digest", text1, "Repr-Digest", text5), both},
		"unknown is ignored": {fieldsOf("Repr-Digest", "md5=:AAAA:, crc32c=5, "+text5), five},
		"only unknown":       {fieldsOf("Repr-Digest", "unixsum=?1"), none},
		"parameters":         {fieldsOf("Repr-Digest", text1+";q=1"), one},
		"the last counts":    {fieldsOf("Repr-Digest", other+", "+text1), one},
	} {
		got, err := ParseDigests(c.header)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if (string(got.SHA256) == string(sum256[:])) != (c.want&one != 0) || (string(got.SHA512) == string(sum512[:])) != (c.want&five != 0) {
			t.Errorf("%s: %x, %x", name, got.SHA256, got.SHA512)
		}
	}
}

func TestParseDigestsRefuses(t *testing.T) {
	for name, h := range map[string]http.Header{
		"not a dictionary": fieldsOf("Repr-Digest", "sha-256="),
		"hexadecimal":      fieldsOf("Repr-Digest", "sha-256="+hex.EncodeToString(sum256[:])),
		"a string":         fieldsOf("Repr-Digest", `sha-256="abc"`),
		"short":            fieldsOf("Repr-Digest", "sha-256=:AAAA:"),
		"empty":            fieldsOf("Content-Digest", "sha-512=::"),
		"not base64":       fieldsOf("Repr-Digest", "sha-256=:%%%%:"),
		"no value":         fieldsOf("Repr-Digest", "sha-256"),
		"inner list":       fieldsOf("Repr-Digest", "sha-256=(:AAAA:)"),
		"contradiction":    fieldsOf("Repr-Digest", text1, "Content-Digest", other),
	} {
		if got, err := ParseDigests(h); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("%s: %v, %v; want INVALID_ARGUMENT", name, got, err)
		}
	}
}

func TestReprDigest(t *testing.T) {
	if got := ReprDigest(hex.EncodeToString(sum256[:])); got != text1 {
		t.Errorf("%s, want %s", got, text1)
	}
	for _, bad := range []string{"", "ab", strings.Repeat("g", 64)} {
		if got := ReprDigest(bad); got != "" {
			t.Errorf("ReprDigest(%q) = %q", bad, got)
		}
	}
}

func FuzzParseDigests(f *testing.F) {
	f.Add(text1)
	f.Add(text1 + "," + text5)
	f.Add("sha-256=:AA:")
	f.Add("a=(1 2);x, sha-512=1")
	f.Fuzz(func(t *testing.T, line string) {
		d, err := ParseDigests(http.Header{"Repr-Digest": {line}})
		if err != nil {
			return
		}
		if n := len(d.SHA256); n != 0 && n != 32 {
			t.Fatalf("%q: sha-256 of %d bytes", line, n)
		}
		if n := len(d.SHA512); n != 0 && n != 64 {
			t.Fatalf("%q: sha-512 of %d bytes", line, n)
		}
	})
}
