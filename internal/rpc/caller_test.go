package rpc_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// as returns a context with a caller who has a request id.
func as(ctx context.Context, requestID string) context.Context {
	return caller.With(ctx, caller.Caller{RequestID: requestID})
}

func silent(w io.Writer) *slog.Logger { return logging.New(w, slog.LevelInfo) }

// seenBy returns the caller, the metadata and the deadline that a handler sees.
func seenBy(ctx context.Context, t *testing.T, open door, cfg rpc.Config) (seen caller.Caller, md metadata.MD) {
	t.Helper()
	client := open(t, cfg, ledger{locate: func(ctx context.Context, _ *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
		seen = caller.From(ctx)
		md, _ = metadata.FromIncomingContext(ctx)
		if _, ok := metadata.FromOutgoingContext(ctx); ok {
			if out, _ := metadata.FromOutgoingContext(ctx); len(out) > 0 {
				t.Errorf("the handler would send on %v", out)
			}
		}
		return response, nil
	}})
	if _, err := client.Locate(ctx, request); err != nil {
		t.Fatal(err)
	}
	return seen, md
}

func TestTheCallerTravels(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		want := caller.Caller{Authorization: "Bearer x.y.z", RequestID: "call-7", Address: "203.0.113.9"}
		// What the caller says wins over what lies around.
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer other", "x-request-id", "other")
		if got, _ := seenBy(caller.With(ctx, want), t, open, rpc.Config{}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestACallerWithoutCredentialHasNone(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		ctx := metadata.AppendToOutgoingContext(as(t.Context(), "call-7"), "authorization", "Bearer other")
		if got, _ := seenBy(ctx, t, open, rpc.Config{}); got.Authorization != "" || got.RequestID != "call-7" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestMetadataTellOfACaller(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		ctx := metadata.AppendToOutgoingContext(t.Context(),
			"authorization", "Bearer x", "x-request-id", "call-7", "x-viewer-address", "203.0.113.9", "x-other", "a", "x-other", "b")
		got, md := seenBy(ctx, t, open, rpc.Config{})
		if want := (caller.Caller{Authorization: "Bearer x", RequestID: "call-7", Address: "203.0.113.9"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if other := md.Get("x-other"); len(other) != 2 || other[1] != "b" {
			t.Errorf("metadata are %v", md)
		}
	})
}

func TestRequestIDs(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		for name, sent := range map[string]string{
			"absent":    "",
			"too long":  strings.Repeat("x", 129),
			"space":     "a b",
			"quote":     `a"b`,
			"backslash": `a\b`,
		} {
			t.Run(name, func(t *testing.T) {
				got, _ := seenBy(as(t.Context(), sent), t, open, rpc.Config{})
				if _, err := uuid.Parse(got.RequestID); err != nil {
					t.Errorf("%q became %q", sent, got.RequestID)
				}
			})
		}
		longest := strings.Repeat("~", 128)
		if got, _ := seenBy(as(t.Context(), longest), t, open, rpc.Config{}); got.RequestID != longest {
			t.Errorf("%q became %q", longest, got.RequestID)
		}
	})
}

func TestOnlyATrustedPeerNamesTheViewer(t *testing.T) {
	elsewhere := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		trusted []netip.Prefix
		claimed string
		want    string
	}{
		"loopback by default": {nil, "203.0.113.9", "203.0.113.9"},
		"IPv6":                {nil, "2001:db8::1", "2001:db8::1"},
		"not an address":      {nil, "localhost", "127.0.0.1"},
		"nothing claimed":     {nil, "", "127.0.0.1"},
		"not trusted":         {elsewhere, "203.0.113.9", "127.0.0.1"},
		"nobody trusted":      {[]netip.Prefix{}, "203.0.113.9", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := caller.With(t.Context(), caller.Caller{Address: tc.claimed})
			if got, _ := seenBy(ctx, t, doors["Server"], rpc.Config{TrustedPeers: tc.trusted}); got.Address != tc.want {
				t.Errorf("got %q, want %q", got.Address, tc.want)
			}
		})
	}
}

func TestTheCallerTravelsWithStreams(t *testing.T) {
	var got caller.Caller
	s := serve(t, rpc.Config{}, func(r grpc.ServiceRegistrar) {
		storagev1.RegisterContentServiceServer(r, content{download: func(_ *storagev1.DownloadRequest, s grpc.ServerStreamingServer[storagev1.DownloadResponse]) error {
			got = caller.From(s.Context())
			return nil
		}})
	})
	want := caller.Caller{Authorization: "Bearer x", RequestID: "call-7", Address: "203.0.113.9"}
	client := storagev1.NewContentServiceClient(dial(t, s.address, rpc.DialConfig{}))
	stream, err := client.Download(caller.With(t.Context(), want), &storagev1.DownloadRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("got %v", err)
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
