package rest_test

import (
	"context"
	"maps"
	"slices"
	"strings"

	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func (w *world) LookupFile(ctx context.Context, req *metadatav1.LookupFileRequest) (*metadatav1.File, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := w.byPath(req.GetPath())
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(f.file), nil
}

func (w *world) GetFile(ctx context.Context, req *metadatav1.GetFileRequest) (*metadatav1.File, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := w.byName(req.GetName())
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(f.file), nil
}

func (w *world) DeleteFile(ctx context.Context, req *metadatav1.DeleteFileRequest) (*metadatav1.File, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if first := w.removed[req.GetRequestId()]; first != nil {
		return proto.CloneOf(first), nil
	}
	find, by := w.byName, req.GetName()
	if req.GetPath() != "" {
		find, by = w.byPath, req.GetPath()
	}
	f, err := find(by)
	if err != nil {
		return nil, err
	}
	if w.trouble.touch != nil {
		w.trouble.touch(f)
	}
	if req.GetEtag() != "" && strings.Trim(req.GetEtag(), `"`) != f.file.GetEtag() {
		return nil, reason(errorsv1.Reason_REASON_PRECONDITION_FAILED, "another etag")
	}
	for path, other := range w.files {
		if other == f {
			delete(w.files, path)
		}
	}
	gone := proto.CloneOf(f.file)
	gone.DeleteTime = timestamppb.New(epoch)
	if req.GetRequestId() != "" {
		w.removed[req.GetRequestId()] = gone
	}
	return gone, nil
}

func (w *world) CreateFile(ctx context.Context, req *metadatav1.CreateFileRequest) (*metadatav1.File, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	folder := proto.CloneOf(req.GetFile())
	folder.Name, folder.Etag = req.GetParent()+"/files/new", "e1"
	return folder, nil
}

func (w *world) UpdateFile(ctx context.Context, req *metadatav1.UpdateFileRequest) (*metadatav1.File, error) {
	return proto.CloneOf(req.GetFile()), w.note(ctx, req)
}

func (w *world) MoveFile(ctx context.Context, req *metadatav1.MoveFileRequest) (*metadatav1.File, error) {
	return &metadatav1.File{Name: req.GetName(), Etag: "e2"}, w.note(ctx, req)
}

func (w *world) UndeleteFile(ctx context.Context, req *metadatav1.UndeleteFileRequest) (*metadatav1.File, error) {
	return &metadatav1.File{Name: req.GetName(), Etag: "e2"}, w.note(ctx, req)
}

func (w *world) PurgeFile(ctx context.Context, req *metadatav1.PurgeFileRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, w.note(ctx, req)
}

func (w *world) ListFiles(ctx context.Context, req *metadatav1.ListFilesRequest) (*metadatav1.ListFilesResponse, error) {
	if err := w.note(ctx, req); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	resp := new(metadatav1.ListFilesResponse)
	for _, path := range slices.Sorted(maps.Keys(w.files)) {
		resp.Files = append(resp.Files, proto.CloneOf(w.files[path].file))
	}
	return resp, nil
}

func (w *world) ListRevisions(ctx context.Context, req *metadatav1.ListRevisionsRequest) (*metadatav1.ListRevisionsResponse, error) {
	return &metadatav1.ListRevisionsResponse{}, w.note(ctx, req)
}

func (w *world) GetRevision(ctx context.Context, req *metadatav1.GetRevisionRequest) (*metadatav1.Revision, error) {
	return &metadatav1.Revision{Name: req.GetName()}, w.note(ctx, req)
}

func (w *world) DeleteRevision(ctx context.Context, req *metadatav1.DeleteRevisionRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, w.note(ctx, req)
}

func (w *world) RestoreRevision(ctx context.Context, req *metadatav1.RestoreRevisionRequest) (*metadatav1.File, error) {
	return &metadatav1.File{Name: req.GetName(), Etag: "e2"}, w.note(ctx, req)
}

func (w *world) CreateSpace(ctx context.Context, req *metadatav1.CreateSpaceRequest) (*metadatav1.Space, error) {
	return &metadatav1.Space{Name: "spaces/" + req.GetSpaceId(), Etag: "e1"}, w.note(ctx, req)
}

func (w *world) GetSpace(ctx context.Context, req *metadatav1.GetSpaceRequest) (*metadatav1.Space, error) {
	return &metadatav1.Space{Name: req.GetName(), Etag: "e1"}, w.note(ctx, req)
}

func (w *world) ListSpaces(ctx context.Context, req *metadatav1.ListSpacesRequest) (*metadatav1.ListSpacesResponse, error) {
	return &metadatav1.ListSpacesResponse{}, w.note(ctx, req)
}

func (w *world) UpdateSpace(ctx context.Context, req *metadatav1.UpdateSpaceRequest) (*metadatav1.Space, error) {
	return proto.CloneOf(req.GetSpace()), w.note(ctx, req)
}

func (w *world) DeleteSpace(ctx context.Context, req *metadatav1.DeleteSpaceRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, w.note(ctx, req)
}
