package access_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"   // contracts
	_ "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1" // contracts
	_ "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"  // contracts
)

// caller is a connection to a door, with the credential of a service or not.
type caller struct {
	conn  *grpc.ClientConn
	token string
}

func (w *world) dial(address, token string) caller {
	w.t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(w.creds))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return caller{conn, token}
}

// short are the codes as the golden tables have them.
var short = map[codes.Code]string{
	codes.OK: "OK", codes.Unauthenticated: "UA", codes.PermissionDenied: "PD", codes.NotFound: "NF",
	codes.Unimplemented: "UN", codes.InvalidArgument: "IA", codes.FailedPrecondition: "FP",
}

// call makes a call of any method, a stream of one message included, and
// returns its code.
func (c caller) call(t *testing.T, bearer, method, request string) (string, error) {
	t.Helper()
	var pairs []string
	if bearer != "" {
		pairs = append(pairs, "authorization", "Bearer "+bearer)
	}
	if c.token != "" {
		pairs = append(pairs, "x-service-token", c.token)
	}
	if bearer == ledgerToken {
		pairs = append(pairs, "x-service-token", bearer)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), pairs...)
	err := c.invoke(ctx, t, method, request)
	code, ok := short[status.Code(err)]
	if !ok {
		code = status.Code(err).String()
	}
	return code, err
}

func (c caller) invoke(ctx context.Context, t *testing.T, method, request string) error {
	t.Helper()
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(method, "/", ".")))
	if err != nil {
		t.Fatal(err)
	}
	d := found.(protoreflect.MethodDescriptor)
	in, out := message(t, d.Input()), message(t, d.Output())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	if !d.IsStreamingClient() && !d.IsStreamingServer() {
		return c.conn.Invoke(ctx, "/"+method, in, out)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desc := &grpc.StreamDesc{ClientStreams: d.IsStreamingClient(), ServerStreams: d.IsStreamingServer()}
	stream, err := c.conn.NewStream(ctx, desc, "/"+method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(in); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		if err := stream.RecvMsg(out); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil || !d.IsStreamingServer() {
			return err
		}
	}
}

func message(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}

// methods returns what reflection shows of our own at a door.
func (c caller) methods(t *testing.T) []string {
	t.Helper()
	services, err := c.services(t)
	if err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, service := range services {
		if !strings.HasPrefix(service, "holdfast.") || strings.HasPrefix(service, "holdfast.health.") {
			continue
		}
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
		if err != nil {
			t.Fatal(err)
		}
		all := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range all.Len() {
			methods = append(methods, fmt.Sprintf("%s/%s", service, all.Get(i).Name()))
		}
	}
	if len(methods) == 0 {
		t.Error("reflection shows nothing")
	}
	slices.Sort(methods)
	return methods
}

func (c caller) reflects(t *testing.T) bool {
	t.Helper()
	_, err := c.services(t)
	return err == nil
}

func (c caller) services(t *testing.T) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := reflection.NewServerReflectionClient(c.conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&reflection.ServerReflectionRequest{
		MessageRequest: &reflection.ServerReflectionRequest_ListServices{},
	})
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	answer, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names, nil
}
