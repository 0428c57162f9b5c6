package rpc_test

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
)

func ask(t *testing.T, cfg rpc.Config, req *reflectionv1.ServerReflectionRequest) (*reflectionv1.ServerReflectionResponse, error) {
	t.Helper()
	s := serve(t, cfg, func(r grpc.ServiceRegistrar) { storagev1.RegisterContentServiceServer(r, content{}) })
	stream, err := reflectionv1.NewServerReflectionClient(dial(t, s.address, rpc.DialConfig{})).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// io.EOF: the server refused already, and Recv says why.
	if err := stream.Send(req); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return stream.Recv()
}

func symbol(name string) *reflectionv1.ServerReflectionRequest {
	return &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	}
}

func TestReflectionListsWhatIsRegistered(t *testing.T) {
	resp, err := ask(t, rpc.Config{Reflection: true}, &reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range resp.GetListServicesResponse().GetService() {
		got = append(got, s.GetName())
	}
	want := []string{
		"grpc.health.v1.Health",
		"grpc.reflection.v1.ServerReflection",
		"holdfast.health.v1.ReadinessService",
		"holdfast.storage.v1.ContentService",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The ledger is linked into this binary, as into those that must not show it.
func TestReflectionKnowsNothingElse(t *testing.T) {
	cfg := rpc.Config{Reflection: true}
	if resp, err := ask(t, cfg, symbol("holdfast.storage.v1.ContentService")); err != nil || resp.GetFileDescriptorResponse() == nil {
		t.Errorf("got %v, %v", resp, err)
	}
	for _, name := range []string{"holdfast.ledger.v1.LedgerService", "holdfast.ledger.v1.LocateRequest"} {
		resp, err := ask(t, cfg, symbol(name))
		if err != nil || codes.Code(resp.GetErrorResponse().GetErrorCode()) != codes.NotFound {
			t.Errorf("%s: got %v, %v", name, resp, err)
		}
	}
}

func TestNoReflectionUnlessAskedFor(t *testing.T) {
	_, err := ask(t, rpc.Config{}, symbol("holdfast.storage.v1.ContentService"))
	if got := fault.ReasonOf(err); got != errorsv1.Reason_REASON_METHOD_NOT_ALLOWED {
		t.Errorf("got %v", err)
	}
}
