package rest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

const (
	// maxFormFiles bounds the files of one form, since its answer names all.
	maxFormFiles = 1000
	// maxFormFieldBytes bounds the value of the fields folder and path.
	maxFormFieldBytes = 8 << 10
	// maxFormHeadBytes bounds the header fields of a part, and what may stand
	// before the first one.
	maxFormHeadBytes = 64 << 10
	// maxFormKeyBytes leaves room for the number of the file within what
	// metadata takes as a request id.
	maxFormKeyBytes = 120
	// maxBoundaryBytes is RFC 2046's, section 5.1.1.
	maxBoundaryBytes = 70
)

// formOr returns the handler that takes multipart/form-data as an upload of
// files and leaves everything else to next.
func (h *Handler) formOr(next handler) handler {
	return func(x *exchange) error {
		lines := x.r.Header["Content-Type"]
		if len(lines) != 1 {
			return next(x)
		}
		base, params, err := mime.ParseMediaType(lines[0])
		if err != nil || base != "multipart/form-data" {
			return next(x)
		}
		return h.postForm(x, params["boundary"])
	}
}

// postForm answers a form with files: each becomes a file, or a new revision
// of the one of its name, in the folder that a field before it named. They are
// stored one after the other as they come; when one fails, those before it
// stay.
func (h *Handler) postForm(x *exchange, boundary string) error {
	f := &form{exchange: x}
	if err := f.readHeader(boundary); err != nil {
		return err
	}
	for {
		f.body.left = maxFormHeadBytes
		part, err := f.parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return f.explain(malformedForm(err))
		}
		f.body.left = unlimited
		if err := f.take(part); err != nil {
			return f.explain(err)
		}
	}
	if len(f.stored) == 0 {
		return fault.Invalidf("file", "the form holds no file")
	}
	f.body.left = maxFormHeadBytes
	_, _ = io.Copy(io.Discard, &f.body) // nothing of meaning follows the last boundary
	x.writeJSON(http.StatusCreated, slicesJSON("files", f.stored))
	return nil
}

// form is an upload by a form.
type form struct {
	*exchange
	body      gate
	parts     *multipart.Reader
	condition *storagev1.WriteCondition
	key       string // idempotency key of the whole form

	folder string // resource name
	path   string // absolute; at most one of the two is set
	stored [][]byte
}

func (f *form) readHeader(boundary string) error {
	if boundary == "" || len(boundary) > maxBoundaryBytes {
		return fault.Invalidf("Content-Type", "want a boundary of 1 to %d characters", maxBoundaryBytes)
	}
	err := checkUpload(f.r)
	if err != nil {
		return err
	}
	if f.condition, err = header.WriteCondition(f.r.Header); err != nil {
		return err
	}
	if c := f.condition; c != nil && (!c.GetAbsent() || c.GetPresent() || c.GetRevisions() != nil || c.GetUnmodifiedSinceTime() != nil) {
		return fault.Invalidf("condition", "a form of files takes no condition but If-None-Match: *")
	}
	if f.key, err = header.ParseIdempotencyKey(f.r.Header["Idempotency-Key"]); err != nil {
		return err
	}
	if len(f.key) > maxFormKeyBytes {
		return fault.Invalidf("Idempotency-Key", "longer than %d bytes, with a form of files", maxFormKeyBytes)
	}
	if body := f.exchange.body; body != nil {
		body.hurry(f.h.limits.Call) // until the first file, of which storage asks who sends it
	}
	f.body = gate{src: f.reader(), left: unlimited}
	f.parts = multipart.NewReader(&f.body, boundary)
	return nil
}

// take takes one part of the form.
func (f *form) take(part *multipart.Part) error {
	switch name := part.FormName(); name {
	case "folder":
		return f.place(part, name, &f.folder)
	case "path":
		return f.place(part, name, &f.path)
	case "file":
		return f.store(part)
	default:
		return fault.Invalidf("form", "unknown field %q; want folder or path, then file", clip(name))
	}
}

// place reads where the files go.
func (f *form) place(part *multipart.Part, name string, field *string) error {
	if len(f.stored) > 0 {
		return fault.Invalidf(name, "must stand before the files")
	}
	if f.folder != "" || f.path != "" {
		return fault.Invalidf(name, "one of folder and path is enough")
	}
	value, err := io.ReadAll(io.LimitReader(part, maxFormFieldBytes+1))
	if err != nil {
		return malformedForm(err)
	}
	if len(value) > maxFormFieldBytes {
		return fault.Invalidf(name, "longer than %d bytes", maxFormFieldBytes)
	}
	*field = string(value)
	if name == "folder" && !strings.HasPrefix(f.folder, f.params.spaceName()+"/files/") {
		return fault.Invalidf(name, "want the resource name of a folder in %s", f.params.spaceName())
	}
	if name == "path" {
		return checkFolderPath(f.path)
	}
	return nil
}

// store uploads one file.
func (f *form) store(part *multipart.Part) error {
	if len(f.stored) == maxFormFiles {
		return fault.Invalidf("file", "more than %d files", maxFormFiles)
	}
	name, err := formFileName(part.FileName())
	if err != nil {
		return err
	}
	contentType, err := header.ParseContentType(part.Header["Content-Type"])
	if err != nil {
		return err
	}
	if contentType == "application/octet-stream" {
		contentType = "" // what user agents say of a file that they do not know
	}
	spec := &storagev1.UploadSpec{ContentType: contentType, Condition: f.condition}
	f.target(spec, name)
	if f.key != "" {
		spec.RequestId = f.key + "/" + strconv.Itoa(len(f.stored)+1)
	}
	if len(f.stored) == 0 {
		f.exchange.body.hurry(0)
	}
	resp, err := f.h.content.Upload(f.ctx, spec, partBody{part})
	if err != nil {
		return err
	}
	text, err := marshal(resp.GetFile())
	if err != nil {
		return err
	}
	f.stored = append(f.stored, text)
	return nil
}

func (f *form) target(spec *storagev1.UploadSpec, name string) {
	switch {
	case f.path != "":
		spec.Target = &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{
			Space: f.params.spaceName(), Path: strings.TrimSuffix(f.path, "/") + "/" + name,
		}}
	case f.folder != "":
		spec.Target = &storagev1.UploadSpec_Child{Child: &storagev1.ChildTarget{Folder: f.folder, DisplayName: name}}
	default:
		root := f.params.spaceName() + "/files/root"
		spec.Target = &storagev1.UploadSpec_Child{Child: &storagev1.ChildTarget{Folder: root, DisplayName: name}}
	}
}

// explain adds to an error which files of the form are stored nevertheless.
func (f *form) explain(err error) error {
	if len(f.stored) == 0 {
		return err
	}
	public := fault.Public(err)
	e := fault.Wrap(err, public.Reason, "%s (behind file %d of the form; up to there they are stored)", public.Message, len(f.stored))
	e.RetryAfter, e.Metadata = public.RetryAfter, public.Metadata
	return e
}

// formFileName returns the name of a file from what its part calls it: user
// agents write a quotation mark as %22 (HTML, multipart/form-data encoding),
// and some wrote whole paths.
func formFileName(name string) (string, error) {
	if windowsPath(name) {
		name = name[strings.LastIndexByte(name, '\\')+1:]
	}
	name = strings.ReplaceAll(name, "%22", `"`)
	if name == "" {
		return "", fault.Invalidf("file", "want a filename in its Content-Disposition")
	}
	return name, checkName(name)
}

func windowsPath(name string) bool {
	return strings.HasPrefix(name, `\\`) || len(name) > 2 && name[1] == ':' && name[2] == '\\'
}

// checkFolderPath checks an absolute path of a folder, "/" being the root.
func checkFolderPath(path string) error {
	if path == "/" {
		return nil
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return fault.Invalidf("path", "want an absolute path, such as /docs")
	}
	for name := range strings.SplitSeq(rest, "/") {
		if err := checkName(name); err != nil {
			return err
		}
	}
	return nil
}

func malformedForm(err error) error {
	if e := fault.FromStatus(err); fault.ReasonOf(e) != fault.Internal.Reason {
		return e
	}
	return fault.Invalidf("form", "malformed: %v", err)
}

// slicesJSON returns an object with one array of JSON texts.
func slicesJSON(name string, texts [][]byte) []byte {
	return fmt.Appendf(nil, `{%q:[%s]}`, name, bytes.Join(texts, []byte(",")))
}

// partBody is the contents of a file in a form.
type partBody struct{ part *multipart.Part }

func (b partBody) Read(p []byte) (int, error) {
	n, err := b.part.Read(p)
	if err == io.ErrUnexpectedEOF { //nolint:errorlint // multipart's own; the body's say more
		err = fault.Wrap(err, errorsv1.Reason_REASON_INVALID_ARGUMENT, "form: it ends within a file")
	}
	return n, err
}

// gate is a body of which only so much may be read at a time.
type gate struct {
	src  io.Reader
	left int64
}

const unlimited = 1 << 62

func (g *gate) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, fault.Invalidf("form", "more than %d bytes around a part", maxFormHeadBytes)
	}
	n, err := g.src.Read(p[:min(int64(len(p)), g.left)])
	g.left -= int64(n)
	return n, err
}
