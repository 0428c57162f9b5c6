package header

import (
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	imfDate     = "Sun, 06 Nov 1994 08:49:37 GMT"
	rfc850Date  = "Sunday, 06-Nov-94 08:49:37 GMT"
	asctimeDate = "Sun Nov  6 08:49:37 1994"
)

var theDate = timestamppb.New(time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC))

func fieldsOf(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestReadCondition(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		want   *storagev1.ReadCondition
	}{
		"none":                      {fieldsOf("Range", "bytes=0-"), nil},
		"if-match":                  {fieldsOf("If-Match", `"a", "b"`), &storagev1.ReadCondition{Match: []string{"a", "b"}}},
		"if-match *":                {fieldsOf("If-Match", `*`), &storagev1.ReadCondition{MatchAny: true}},
		"if-match weak never holds": {fieldsOf("If-Match", `W/"a"`), &storagev1.ReadCondition{Match: []string{`W/"a"`}}},
		"if-none-match":             {fieldsOf("If-None-Match", `W/"a", "b"`), &storagev1.ReadCondition{NoneMatch: []string{"a", "b"}}},
		"if-none-match *":           {fieldsOf("If-None-Match", `*`), &storagev1.ReadCondition{NoneMatchAny: true}},
		"unmodified, imf":           {fieldsOf("If-Unmodified-Since", imfDate), &storagev1.ReadCondition{UnmodifiedSinceTime: theDate}},
		"unmodified, rfc 850":       {fieldsOf("If-Unmodified-Since", rfc850Date), &storagev1.ReadCondition{UnmodifiedSinceTime: theDate}},
		"unmodified, asctime":       {fieldsOf("If-Unmodified-Since", asctimeDate), &storagev1.ReadCondition{UnmodifiedSinceTime: theDate}},
		"unmodified, no date":       {fieldsOf("If-Unmodified-Since", "yesterday"), nil},
		"unmodified, two dates":     {fieldsOf("If-Unmodified-Since", imfDate, "If-Unmodified-Since", imfDate), nil},
		"unmodified next to match":  {fieldsOf("If-Unmodified-Since", imfDate, "If-Match", `"a"`), &storagev1.ReadCondition{Match: []string{"a"}}},
		"modified":                  {fieldsOf("If-Modified-Since", imfDate), &storagev1.ReadCondition{ModifiedSinceTime: theDate}},
		"modified, no date":         {fieldsOf("If-Modified-Since", "0"), nil},
		"modified next to none":     {fieldsOf("If-Modified-Since", imfDate, "If-None-Match", `"a"`), &storagev1.ReadCondition{NoneMatch: []string{"a"}}},
		"if-range alone":            {fieldsOf("If-Range", `"a"`), nil},
		"if-range etag":             {fieldsOf("Range", "bytes=0-", "If-Range", `"a"`), &storagev1.ReadCondition{RangeRevision: "a"}},
		"if-range weak":             {fieldsOf("Range", "bytes=0-", "If-Range", `W/"a"`), &storagev1.ReadCondition{RangeRevision: `W/"a"`}},
		"if-range date":             {fieldsOf("Range", "bytes=0-", "If-Range", imfDate), &storagev1.ReadCondition{RangeUnmodifiedTime: theDate}},
		"if-range neither":          {fieldsOf("Range", "bytes=0-", "If-Range", `a`), &storagev1.ReadCondition{RangeRevision: "invalid:a"}},
		"if-range list":             {fieldsOf("Range", "bytes=0-", "If-Range", `"a", "b"`), &storagev1.ReadCondition{RangeRevision: `invalid:"a", "b"`}},
	} {
		got, err := ReadCondition(c.header)
		if err != nil || !proto.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func TestWriteCondition(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		want   *storagev1.WriteCondition
	}{
		"none":                     {fieldsOf("If-Modified-Since", imfDate, "If-Range", `"a"`), nil},
		"create only":              {fieldsOf("If-None-Match", `*`), &storagev1.WriteCondition{Absent: true}},
		"replace only":             {fieldsOf("If-Match", `*`), &storagev1.WriteCondition{Present: true}},
		"that revision":            {fieldsOf("If-Match", `"a"`), &storagev1.WriteCondition{Revisions: []string{"a"}}},
		"a weak tag never holds":   {fieldsOf("If-Match", `W/"a"`), &storagev1.WriteCondition{Revisions: []string{`W/"a"`}}},
		"not that revision":        {fieldsOf("If-None-Match", `"a", W/"b"`), &storagev1.WriteCondition{NotRevisions: []string{"a", "b"}}},
		"unmodified":               {fieldsOf("If-Unmodified-Since", rfc850Date), &storagev1.WriteCondition{UnmodifiedSinceTime: theDate}},
		"unmodified next to match": {fieldsOf("If-Unmodified-Since", imfDate, "If-Match", "*"), &storagev1.WriteCondition{Present: true}},
	} {
		got, err := WriteCondition(c.header)
		if err != nil || !proto.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

func TestConditionsRefuseMalformedTags(t *testing.T) {
	for _, name := range []string{"If-Match", "If-None-Match"} {
		h := fieldsOf(name, "unquoted")
		if _, err := ReadCondition(h); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("ReadCondition with %s: %v", name, err)
		}
		if _, err := WriteCondition(h); fault.ReasonOf(err) != fault.Invalid.Reason {
			t.Errorf("WriteCondition with %s: %v", name, err)
		}
	}
}

// A field that was sent must never vanish from the condition of a write: the
// write would then go through unconditionally.
func FuzzWriteConditionKeepsMatch(f *testing.F) {
	f.Add(`"a"`)
	f.Add(`W/"a"`)
	f.Add(`*`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, name := range []string{"If-Match", "If-None-Match"} {
			c, err := WriteCondition(http.Header{name: {line}})
			if err != nil {
				continue
			}
			if !c.GetPresent() && !c.GetAbsent() && len(c.GetRevisions()) == 0 && len(c.GetNotRevisions()) == 0 {
				t.Fatalf("%s: %q asks for nothing", name, line)
			}
		}
	})
}
