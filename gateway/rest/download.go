package rest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// getContent answers GET /v1/spaces/{space}/files/{file}/content.
func (h *Handler) getContent(x *exchange) error {
	return h.download(x, &storagev1.DownloadRequest{
		Source: &storagev1.DownloadRequest_File{File: x.params.fileName()},
	})
}

// getPath answers GET /v1/spaces/{space}/paths/{path…}.
func (h *Handler) getPath(x *exchange) error {
	target, err := x.params.pathTarget()
	if err != nil {
		return err
	}
	return h.download(x, &storagev1.DownloadRequest{
		Source: &storagev1.DownloadRequest_Path{Path: target},
	})
}

// download answers with contents. Conditions and ranges are only parsed here;
// storage evaluates them, against the one revision that it then sends.
func (h *Handler) download(x *exchange, req *storagev1.DownloadRequest) error {
	d := &download{exchange: x}
	if err := d.readQuery(req, x.r.URL.RawQuery); err != nil {
		return err
	}
	return h.send(d, req)
}

// send has storage send contents.
func (h *Handler) send(d *download, req *storagev1.DownloadRequest) error {
	x := d.exchange
	condition, err := header.ReadCondition(x.r.Header)
	if err != nil {
		return err
	}
	req.Condition = condition
	req.HeaderOnly = x.r.Method == http.MethodHead
	if !req.HeaderOnly {
		req.Ranges = header.ParseRange(x.r.Header["Range"])
	}
	err = h.content.Download(x.ctx, req, d.start)
	if err == nil && x.status == 0 {
		return fmt.Errorf("download of %s without a header", req.GetFile())
	}
	if err == nil && !req.HeaderOnly && d.left != 0 {
		return fmt.Errorf("download ended %d bytes early", d.left)
	}
	return err
}

// download is the answer with contents, and where its bytes go.
type download struct {
	*exchange
	pinned     bool // a revision was named, so that the answer never changes
	attachment bool
	linked     bool   // by a link, so that nobody is to keep it
	parts      *parts // nil unless several ranges are sent
	left       int64  // bytes to come
}

func (d *download) readQuery(req *storagev1.DownloadRequest, raw string) error {
	if raw == "" {
		return nil
	}
	query, err := parseQuery(raw, "revision", "download")
	if err != nil {
		return err
	}
	req.Revision = query.Get("revision")
	d.pinned = req.Revision != ""
	d.attachment, err = parseFlag("download", query)
	return err
}

// start begins the answer: it is what storage calls before the first byte.
func (d *download) start(head *storagev1.DownloadHeader) (io.Writer, error) {
	f := fields{header: d.w.Header(), values: make([]string, 0, 12)}
	file, revision := head.GetFile(), head.GetRevision()
	f.set("Etag", `"`+lastSegment(revision.GetName())+`"`)
	f.set("Last-Modified", head.GetModifyTime().AsTime().Format(http.TimeFormat))
	f.set("Cache-Control", d.cacheControl())
	if head.GetOutcome() == storagev1.DownloadHeader_NOT_MODIFIED {
		d.writeHeader(http.StatusNotModified)
		return io.Discard, nil
	}

	contentType := revision.GetContentType()
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	if !head.GetWhole() {
		f.set("Accept-Ranges", "bytes")
	}
	f.set("X-Content-Type-Options", "nosniff")
	f.set("Content-Security-Policy", "sandbox")
	f.set("Content-Disposition", header.Disposition(file.GetDisplayName(), contentType, d.attachment || head.GetAttachment()))
	if digest := header.ReprDigest(revision.GetSha256()); digest != "" {
		f.set("Repr-Digest", digest)
	}

	size, ranges := revision.GetSizeBytes(), head.GetRanges()
	status := http.StatusPartialContent
	switch {
	case head.GetOutcome() != storagev1.DownloadHeader_PARTIAL:
		status, d.left = http.StatusOK, size
	case len(ranges) == 1:
		f.set("Content-Range", contentRange(ranges[0], size))
		d.left = ranges[0].GetLength()
	default:
		d.parts = newParts(ranges, size, contentType)
		contentType = d.parts.contentType()
		d.left = d.parts.length()
	}
	f.set("Content-Type", contentType)
	f.set("Content-Length", strconv.FormatInt(d.left, 10))
	if d.r.Method == http.MethodHead {
		d.writeHeader(status)
		return io.Discard, nil
	}
	if d.left == 0 {
		d.writeHeader(status)
		return d, nil
	}
	d.beginAnswer(status)
	if d.parts != nil {
		d.parts.out = d
		return d.parts, d.parts.begin()
	}
	return d, nil
}

func (d *download) cacheControl() string {
	if d.linked {
		return linkCache[0]
	}
	if d.pinned {
		return "private, max-age=31536000, immutable"
	}
	return "private, no-cache"
}

// Write sends bytes to the client, in pieces that it has time to take. Until
// storage has more, it has all the time.
func (d *download) Write(p []byte) (int, error) {
	const pieceBytes = 256 << 10
	if int64(len(p)) > d.left {
		return 0, fmt.Errorf("%d bytes more than announced", int64(len(p))-d.left)
	}
	written := 0
	for len(p) > 0 {
		piece := p[:min(len(p), pieceBytes)]
		d.extendWrite(len(piece))
		n, err := d.w.Write(piece)
		written += n
		d.left -= int64(n)
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	if d.left > 0 && d.r.ProtoMajor >= 2 {
		d.pauseWrite() // a deadline of HTTP/1.1 is for writes alone
	}
	return written, nil
}

// fields sets header fields whose names are in their canonical form, all with
// one allocation.
type fields struct {
	header http.Header
	values []string
}

func (f *fields) set(name, value string) {
	f.values = append(f.values, value)
	n := len(f.values)
	f.header[name] = f.values[n-1 : n : n]
}

// parseQuery reads a query that may hold the names only, each once.
func parseQuery(raw string, names ...string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fault.Invalidf("query", "malformed: %v", err)
	}
	for name, values := range query {
		if err := checkQueryName(name, names); err != nil {
			return nil, err
		}
		if len(values) > 1 {
			return nil, fault.Invalidf(clip(name), "given more than once")
		}
	}
	return query, nil
}

func parseFlag(name string, query url.Values) (bool, error) {
	if !query.Has(name) {
		return false, nil
	}
	switch query.Get(name) {
	case "", "1", "true":
		return true, nil
	case "0", "false":
		return false, nil
	}
	return false, fault.Invalidf(name, "want 1 or 0")
}

func (p params) spaceName() string { return "spaces/" + p.ids[0] }

func (p params) fileName() string { return "spaces/" + p.ids[0] + "/files/" + p.ids[1] }

func (p params) pathTarget() (*storagev1.PathTarget, error) {
	path, err := filePath(p.tail)
	if err != nil {
		return nil, err
	}
	return &storagev1.PathTarget{Space: p.spaceName(), Path: path}, nil
}

// lastSegment returns the id in a resource name.
func lastSegment(name string) string {
	return name[strings.LastIndexByte(name, '/')+1:]
}
