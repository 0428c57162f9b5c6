package rest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// world stands in for metadata and storage: files in memory, in one space.
// It keeps what it was asked, and refuses what the real ones refuse and the
// gateway must not let through.
type world struct {
	metadatav1.UnimplementedSpaceServiceServer
	metadatav1.UnimplementedFileServiceServer
	metadatav1.UnimplementedUploadServiceServer
	metadatav1.UnimplementedMemberServiceServer
	metadatav1.UnimplementedKeyServiceServer
	metadatav1.UnimplementedShareServiceServer

	mu       sync.Mutex
	files    map[string]*stored          // by path
	removed  map[string]*metadatav1.File // by request id
	uploads  map[string]*uploading       // by name
	requests map[string]*uploading       // by the request id of their creation
	late     []byte                      // what an earlier request brings right after its creation is repeated
	serial   int
	asked    []proto.Message // requests, in order
	callers  []caller.Caller
	leaked   []string // metadata keys that came along

	// started gets a token for each upload that came.
	started chan struct{}
	// bodies gets the error that ended each body that was not whole.
	bodies chan error
	// commit, when not nil, is waited for between a body and its visibility.
	commit  chan struct{}
	trouble trouble
}

// trouble is what a test has go wrong.
type trouble struct {
	// fail, when not nil, is the outcome of every call.
	fail error
	// unread, when not 0, has an upload fail only after that many bytes of its
	// body.
	unread int
	// cutAfter, when not 0, fails a download after that many bytes.
	cutAfter int
	// touch runs before a DeleteFile is judged.
	touch func(*stored)
	// pause runs before each range of a download is sent, and within the body of
	// an upload.
	pause func()
}

func (w *world) make(t trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trouble = t
}

func (w *world) troubled() trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trouble
}

type stored struct {
	file      *metadatav1.File
	revision  *metadatav1.Revision
	modified  time.Time
	bytes     []byte
	revisions int
}

var _ content.Content = (*world)(nil)

func newWorld() *world {
	return &world{files: map[string]*stored{}, removed: map[string]*metadatav1.File{}, uploads: map[string]*uploading{}, requests: map[string]*uploading{}, started: make(chan struct{}, 100), bodies: make(chan error, 100)}
}

const space = "spaces/default"

// epoch is when everything happens, expiry when uploads are gone: never.
var (
	epoch  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	expiry = time.Date(2126, 1, 2, 3, 4, 5, 0, time.UTC)
)

// put makes a file, as an upload would.
func (w *world) put(path, contentType, text string) *stored {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, _ := w.write(path, contentType, []byte(text))
	return f
}

func (w *world) write(path, contentType string, text []byte) (*stored, bool) {
	f, ok := w.files[path]
	if !ok {
		w.serial++
		f = &stored{file: &metadatav1.File{
			Name:        fmt.Sprintf("%s/files/f%d", space, w.serial),
			DisplayName: path[strings.LastIndexByte(path, '/')+1:],
			Folder:      space + "/files/root",
			Kind:        metadatav1.File_FILE,
			CreateTime:  timestamppb.New(epoch),
		}}
		w.files[path] = f
	}
	if contentType == "" {
		contentType = "application/x-by-extension"
	}
	sum := sha256.Sum256(text)
	f.revisions++
	f.bytes = text
	f.modified = epoch.Add(time.Duration(f.revisions) * time.Second)
	f.revision = &metadatav1.Revision{
		Name:        fmt.Sprintf("%s/revisions/%s-r%d", f.file.GetName(), lastSegment(f.file.GetName()), f.revisions),
		SizeBytes:   int64(len(text)),
		ContentType: contentType,
		Sha256:      hex.EncodeToString(sum[:]),
	}
	f.file.SizeBytes = f.revision.GetSizeBytes()
	f.file.ContentType = contentType
	f.file.Sha256 = f.revision.GetSha256()
	f.file.Revision = f.revision.GetName()
	w.change(f)
	return f, !ok
}

func (w *world) change(f *stored) {
	w.serial++
	f.file.Etag = "e" + strconv.Itoa(w.serial)
	f.file.UpdateTime = timestamppb.New(f.modified)
}

func (w *world) note(ctx context.Context, req proto.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, proto.Clone(req))
	w.callers = append(w.callers, caller.From(ctx))
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		for key := range md {
			w.leaked = append(w.leaked, key)
		}
	}
	if w.trouble.unread == 0 {
		return w.trouble.fail
	}
	return nil
}

// last returns the last request of its type.
func last[T proto.Message](w *world) T {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, req := range slices.Backward(w.asked) {
		if req, ok := req.(T); ok {
			return req
		}
	}
	var none T
	return none
}

func (w *world) byName(name string) (*stored, error) {
	for _, f := range w.files {
		if f.file.GetName() == name {
			return f, nil
		}
	}
	return nil, notFound(name)
}

func (w *world) byPath(path string) (*stored, error) {
	if f, ok := w.files[path]; ok {
		return f, nil
	}
	return nil, notFound(path)
}

func notFound(what string) error {
	return fault.New(errorsv1.Reason_REASON_NOT_FOUND, "%s: not found", what)
}

func reason(r errorsv1.Reason, message string) error {
	return fault.New(r, "%s", message)
}

func (w *world) Upload(ctx context.Context, spec *storagev1.UploadSpec, body io.Reader) (*storagev1.UploadResponse, error) {
	w.started <- struct{}{}
	if err := w.note(ctx, spec); err != nil {
		return nil, err
	}
	path, err := w.target(spec)
	if err != nil {
		return nil, err
	}
	if t := w.troubled(); t.unread > 0 {
		_, err := io.ReadFull(body, make([]byte, t.unread))
		if err == nil {
			err = t.fail
		}
		return nil, err
	}
	if pause := w.troubled().pause; pause != nil {
		body = &pausing{Reader: body, pause: pause}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		w.bodies <- err
		return nil, err
	}
	if spec.SizeBytes != nil && int64(len(text)) != spec.GetSizeBytes() {
		return nil, fault.Invalidf("size_bytes", "not as announced")
	}
	if w.commit != nil {
		<-w.commit
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(text)
	if want := spec.GetSha256(); want != nil && string(want) != string(sum[:]) {
		return nil, reason(errorsv1.Reason_REASON_DIGEST_MISMATCH, "not the announced contents")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f, created := w.write(path, spec.GetContentType(), text)
	return &storagev1.UploadResponse{File: proto.CloneOf(f.file), Created: created}, nil
}

// target resolves where an upload goes and judges its condition.
func (w *world) target(spec *storagev1.UploadSpec) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var path string
	switch target := spec.GetTarget().(type) {
	case *storagev1.UploadSpec_File:
		f, err := w.byName(target.File)
		if err != nil {
			return "", err
		}
		for p, other := range w.files {
			if other == f {
				path = p
			}
		}
	case *storagev1.UploadSpec_Child:
		path = "/" + target.Child.GetDisplayName()
	case *storagev1.UploadSpec_Path:
		path = target.Path.GetPath()
	}
	f := w.files[path]
	c := spec.GetCondition()
	switch {
	case c.GetAbsent() && f != nil, c.GetPresent() && f == nil,
		len(c.GetRevisions()) > 0 && (f == nil || !slices.Contains(c.GetRevisions(), lastSegment(f.revision.GetName()))):
		return "", reason(errorsv1.Reason_REASON_PRECONDITION_FAILED, "not that revision")
	}
	return path, nil
}

func (w *world) Download(ctx context.Context, req *storagev1.DownloadRequest, begin content.Begin) error {
	if err := w.note(ctx, req); err != nil {
		return err
	}
	w.mu.Lock()
	f, err := w.byName(req.GetFile())
	if req.GetPath() != nil {
		f, err = w.byPath(req.GetPath().GetPath())
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	head := &storagev1.DownloadHeader{
		Outcome:    storagev1.DownloadHeader_FULL,
		File:       proto.CloneOf(f.file),
		Revision:   proto.CloneOf(f.revision),
		ModifyTime: timestamppb.New(f.modified),
	}
	id := lastSegment(f.revision.GetName())
	c := req.GetCondition()
	if len(c.GetMatch()) > 0 && !slices.Contains(c.GetMatch(), id) {
		return reason(errorsv1.Reason_REASON_PRECONDITION_FAILED, "not that revision")
	}
	if slices.Contains(c.GetNoneMatch(), id) {
		head.Outcome = storagev1.DownloadHeader_NOT_MODIFIED
		_, err := begin(head)
		return err
	}
	size := int64(len(f.bytes))
	parts := []*storagev1.ByteRange{{Length: size}}
	if len(req.GetRanges()) > 0 && (c.GetRangeRevision() == "" || c.GetRangeRevision() == id) {
		if parts, err = resolve(req.GetRanges(), size); err != nil {
			return err
		}
		head.Outcome, head.Ranges = storagev1.DownloadHeader_PARTIAL, parts
	}
	out, err := begin(head)
	if err != nil || req.GetHeaderOnly() {
		return err
	}
	return w.send(out, f.bytes, parts)
}

func (w *world) send(out io.Writer, text []byte, parts []*storagev1.ByteRange) error {
	trouble := w.troubled()
	cutAfter := trouble.cutAfter
	for _, p := range parts {
		if trouble.pause != nil {
			trouble.pause()
		}
		piece := text[p.GetOffset() : p.GetOffset()+p.GetLength()]
		if cutAfter > 0 && len(piece) > cutAfter {
			if _, err := out.Write(piece[:cutAfter]); err != nil {
				return err
			}
			return reason(errorsv1.Reason_REASON_DATA_LOSS, "stored bytes do not have their checksum")
		}
		if _, err := out.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// resolve is a simple form of what storage does; nothing is joined.
func resolve(asked []*storagev1.ByteRange, size int64) ([]*storagev1.ByteRange, error) {
	var parts []*storagev1.ByteRange
	for _, r := range asked {
		from, n := r.GetOffset(), r.GetLength()
		if from < 0 {
			from = max(0, size+from)
		}
		if from >= size {
			continue
		}
		if n == 0 || n > size-from {
			n = size - from
		}
		parts = append(parts, &storagev1.ByteRange{Offset: from, Length: n})
	}
	if len(parts) == 0 {
		e := fault.New(errorsv1.Reason_REASON_RANGE_NOT_SATISFIABLE, "no range lies within the contents")
		e.Metadata = map[string]string{"size_bytes": strconv.FormatInt(size, 10)}
		return nil, e
	}
	return parts, nil
}

func lastSegment(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
