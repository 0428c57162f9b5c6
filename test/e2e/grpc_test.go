package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"testing"

	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// overGRPC does without the gateway, with nothing but the contracts.
func overGRPC(t *testing.T, g *target) {
	w := newWeb(t, g)
	ctx := t.Context()
	if g.key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+g.key)
	}
	contents := random(3<<20 + 7)
	meta, store := dial(t, g.metadata), dial(t, g.storage)
	if got, want := services(t, ctx, meta), "holdfast.metadata.v1.FileService"; !slices.Contains(got, want) || slices.Contains(got, "holdfast.ledger.v1.LedgerService") {
		t.Errorf("metadata shows %v", got)
	}
	if got := services(t, ctx, store); !slices.Contains(got, "holdfast.storage.v1.ContentService") {
		t.Errorf("storage shows %v", got)
	}

	at := &storagev1.PathTarget{Space: "spaces/default", Path: w.root + "/grpc.bin"}
	size := int64(len(contents))
	up, err := storagev1.NewContentServiceClient(store).Upload(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spec := &storagev1.UploadSpec{Target: &storagev1.UploadSpec_Path{Path: at}, SizeBytes: &size}
	if err := up.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Spec{Spec: spec}}); err != nil {
		t.Fatal(err)
	}
	for offset := int64(0); offset < size; offset += 1 << 20 {
		piece := contents[offset:min(offset+1<<20, size)]
		chunk := &storagev1.Chunk{Offset: offset, Data: piece, Crc32C: crc32.Checksum(piece, crc32.MakeTable(crc32.Castagnoli))}
		if err := up.Send(&storagev1.UploadRequest{Payload: &storagev1.UploadRequest_Chunk{Chunk: chunk}}); err != nil {
			break // the answer says why
		}
	}
	if answer, err := up.CloseAndRecv(); err != nil || !answer.GetCreated() || answer.GetFile().GetSizeBytes() != size {
		t.Fatalf("upload: %v, %v", answer, err)
	}

	file, err := metadatav1.NewFileServiceClient(meta).LookupFile(ctx, &metadatav1.LookupFileRequest{Parent: "spaces/default", Path: at.GetPath()})
	if err != nil || file.GetSha256() != sum(contents) {
		t.Fatalf("lookup: %v, %v", file, err)
	}
	down, err := storagev1.NewContentServiceClient(store).Download(ctx, &storagev1.DownloadRequest{
		Source: &storagev1.DownloadRequest_File{File: file.GetName()},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for {
		m, err := down.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got.Write(m.GetChunk().GetData())
	}
	if !bytes.Equal(got.Bytes(), contents) {
		t.Errorf("%d bytes came that are not those sent", got.Len())
	}
	_, err = metadatav1.NewFileServiceClient(meta).GetFile(ctx, &metadatav1.GetFileRequest{Name: "spaces/default/files/nothing"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("a file that there is not: %v", err)
	}
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// services asks which services there are.
func services(t *testing.T, ctx context.Context, conn *grpc.ClientConn) []string { //nolint:revive // the test comes first here
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	return names
}
