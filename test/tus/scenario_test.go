package tus_test

import (
	"encoding/base64"
	"strings"
)

// step is a request of a scenario.
type step struct {
	method string
	// url is empty for where uploads are opened, $1 for what the first POST of the
	// scenario opened, and so on, or ? for an upload that never was.
	url  string
	body string
	// fields are names and values; a value may have URLs as url does. Without a
	// Tus-Resumable among them the one that is right is sent; an empty value
	// leaves the field out.
	fields []string
}

// scenario is what one client does.
type scenario struct {
	name  string
	steps []step
}

func meta(pairs ...string) string {
	var elements []string
	for i := 0; i < len(pairs); i += 2 {
		elements = append(elements, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(elements, ",")
}

// bytesAt are the fields of bytes at an offset.
func bytesAt(offset string, more ...string) []string {
	return append([]string{"Content-Type", "application/offset+octet-stream", "Upload-Offset", offset}, more...)
}

// within are the fields of bytes that come with the creation.
func within(more ...string) []string {
	return append([]string{"Content-Type", "application/offset+octet-stream"}, more...)
}

// scenarios are what both servers are asked.
var scenarios = []scenario{
	{"core", []step{
		{"POST", "", "", []string{"Upload-Length", "5", "Upload-Metadata", meta("filename", "a.txt", "mine", "kept")}},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "he", bytesAt("0")},
		{"PATCH", "$1", "", bytesAt("2")},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "llo", bytesAt("2")},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "", bytesAt("5")},
		{"PATCH", "$1", "more", bytesAt("5")},
	}},
	{"creation", []step{
		{"POST", "", "", nil},
		{"POST", "", "", []string{"Upload-Length", "-1"}},
		{"POST", "", "", []string{"Upload-Length", "five"}},
		{"POST", "", "", []string{"Upload-Length", "0"}},
		{"HEAD", "$4", "", nil},
		{"POST", "", "", []string{"Upload-Length", "5497558138880"}},
		{"POST", "", "", []string{"Upload-Length", "5497558138881"}},
		{"POST", "", "", []string{"Upload-Length", "1", "Upload-Metadata", "novalue,with " + base64.StdEncoding.EncodeToString([]byte("one"))}},
		{"HEAD", "$7", "", nil},
		{"POST", "", "", []string{"Upload-Length", "1", "Upload-Metadata", "twice YQ==,twice Yg=="}},
		{"POST", "", "", []string{"Upload-Length", "1", "Upload-Metadata", "bad !!!"}},
	}},
	{"creation with upload", []step{
		{"POST", "", "hello", within("Upload-Length", "7")},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "!!", bytesAt("5")},
		{"POST", "", "all", within("Upload-Length", "3")},
		{"HEAD", "$2", "", nil},
		{"POST", "", "too much", within("Upload-Length", "3")},
		{"POST", "", "text", []string{"Upload-Length", "4", "Content-Type", "text/plain"}},
		{"POST", "", "abc", within("Upload-Defer-Length", "1")},
		{"HEAD", "$5", "", nil},
	}},
	{"deferred length", []step{
		{"POST", "", "", []string{"Upload-Defer-Length", "1"}},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "ab", bytesAt("0")},
		{"PATCH", "$1", "c", bytesAt("2", "Upload-Length", "4")},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "d", bytesAt("3", "Upload-Length", "5")},
		{"PATCH", "$1", "d", bytesAt("3")},
		{"POST", "", "", []string{"Upload-Defer-Length", "2"}},
		{"POST", "", "", []string{"Upload-Defer-Length", "1", "Upload-Length", "1"}},
		{"POST", "", "", []string{"Upload-Defer-Length", "1"}},
		{"PATCH", "$4", "abc", bytesAt("0")},
		{"PATCH", "$4", "", bytesAt("3", "Upload-Length", "2")},
		{"PATCH", "$4", "", bytesAt("3", "Upload-Length", "5497558138881")},
		{"PATCH", "$4", "", bytesAt("3", "Upload-Length", "3")},
		{"HEAD", "$4", "", nil},
	}},
	{"wrong appends", []step{
		{"POST", "", "", []string{"Upload-Length", "5"}},
		{"PATCH", "$1", "lo", bytesAt("3")},
		{"PATCH", "$1", "he", []string{"Content-Type", "application/offset+octet-stream"}},
		{"PATCH", "$1", "he", bytesAt("-1")},
		{"PATCH", "$1", "he", bytesAt("zero")},
		{"PATCH", "$1", "he", []string{"Content-Type", "text/plain", "Upload-Offset", "0"}},
		{"PATCH", "$1", "he", []string{"Content-Type", "", "Upload-Offset", "0"}},
		{"PATCH", "$1", "hello world", bytesAt("0")},
		{"HEAD", "$1", "", nil},
	}},
	{"checksum", []step{
		{"POST", "", "", []string{"Upload-Length", "11"}},
		{"PATCH", "$1", "hello ", bytesAt("0", "Upload-Checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=")},
		{"HEAD", "$1", "", nil},
		{"POST", "", "", []string{"Upload-Length", "11"}},
		{"PATCH", "$2", "hello ", bytesAt("0", "Upload-Checksum", "rot13 AAAA")},
		{"POST", "", "", []string{"Upload-Length", "11"}},
		{"PATCH", "$3", "hello world", bytesAt("0", "Upload-Checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")},
		{"POST", "", "hello", within("Upload-Length", "11", "Upload-Checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=")},
	}},
	{"termination", []step{
		{"POST", "", "", []string{"Upload-Length", "5"}},
		{"PATCH", "$1", "he", bytesAt("0")},
		{"DELETE", "$1", "", nil},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "llo", bytesAt("2")},
		{"DELETE", "$1", "", nil},
		{"DELETE", "?", "", nil},
	}},
	{"unknown", []step{
		{"HEAD", "?", "", nil},
		{"PATCH", "?", "x", bytesAt("0")},
	}},
	{"concatenation", []step{
		{"POST", "", "", []string{"Upload-Length", "3", "Upload-Concat", "partial"}},
		{"POST", "", "def", within("Upload-Length", "3", "Upload-Concat", "partial")},
		{"HEAD", "$1", "", nil},
		{"PATCH", "$1", "abc", bytesAt("0")},
		{"POST", "", "", []string{"Upload-Concat", "final;$1 $2", "Upload-Metadata", meta("filename", "whole")}},
		{"HEAD", "$3", "", nil},
		{"PATCH", "$3", "x", bytesAt("6")},
		{"HEAD", "$1", "", nil},
		{"DELETE", "$3", "", nil},
	}},
	{"concatenation of unfinished parts", []step{
		{"POST", "", "", []string{"Upload-Length", "3", "Upload-Concat", "partial"}},
		{"POST", "", "", []string{"Upload-Concat", "final;$1"}},
		{"HEAD", "$2", "", nil},
		{"PATCH", "$2", "x", bytesAt("0")},
		{"PATCH", "$1", "abc", bytesAt("0")},
		{"HEAD", "$2", "", nil},
	}},
	{"wrong concatenation", []step{
		{"POST", "", "", []string{"Upload-Length", "3"}},
		{"POST", "", "abc", within("Upload-Length", "3", "Upload-Concat", "partial")},
		{"POST", "", "", []string{"Upload-Concat", "final;$1"}},
		{"POST", "", "", []string{"Upload-Concat", "final;$2", "Upload-Length", "3"}},
		{"POST", "", "", []string{"Upload-Concat", "final;?"}},
		{"POST", "", "", []string{"Upload-Concat", "final;"}},
		{"POST", "", "", []string{"Upload-Concat", "whole"}},
		{"POST", "", "", []string{"Upload-Concat", "partial"}},
		{"POST", "", "more", within("Upload-Concat", "final;$2")},
	}},
	{"method override", []step{
		{"POST", "", "", []string{"Upload-Length", "5"}},
		{"POST", "$1", "he", bytesAt("0", "X-HTTP-Method-Override", "PATCH")},
		{"POST", "$1", "", []string{"X-HTTP-Method-Override", "HEAD"}},
		{"POST", "$1", "", []string{"X-HTTP-Method-Override", "DELETE"}},
		{"HEAD", "$1", "", nil},
	}},
	{"options", []step{
		{"OPTIONS", "", "", nil},
		{"OPTIONS", "", "", []string{"Tus-Resumable", ""}},
		{"OPTIONS", "", "", []string{"Tus-Resumable", "0.2.2"}},
		{"POST", "", "", []string{"Upload-Length", "5"}},
		{"OPTIONS", "$1", "", nil},
	}},
	{"versions", []step{
		{"POST", "", "", []string{"Upload-Length", "5"}},
		{"POST", "", "", []string{"Upload-Length", "5", "Tus-Resumable", "0.2.2"}},
		{"PATCH", "$1", "he", bytesAt("0", "Tus-Resumable", "2.0.0")},
		{"HEAD", "$1", "", []string{"Tus-Resumable", "0.2.2"}},
		{"DELETE", "$1", "", []string{"Tus-Resumable", "0.2.2"}},
		{"PATCH", "$1", "he", bytesAt("0", "Tus-Resumable", "")},
		{"HEAD", "$1", "", nil},
	}},
}
