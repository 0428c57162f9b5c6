package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

var errSecret = errors.New("dial tcp 10.1.2.3:443: password=hunter2")

var request = &ledgerv1.LocateRequest{
	Source:   &ledgerv1.LocateRequest_Path{Path: &storagev1.PathTarget{Space: "spaces/a", Path: "/b"}},
	Revision: "r",
}

var response = &ledgerv1.LocateResponse{
	File:     &metadatav1.File{Name: "spaces/a/files/f", SizeBytes: 7, Labels: map[string]string{"k": "v"}},
	Revision: &metadatav1.Revision{Name: "spaces/a/files/f/revisions/r"},
	Extents:  []*ledgerv1.Extent{{BlobId: "b", Length: 7}, {BlobId: "c", Offset: 1}},
}

// failing returns a ledger that fails.
func failing(err error) ledger {
	return ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
		return nil, err
	}}
}

func answering(resp *ledgerv1.LocateResponse) ledger {
	return ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
		return resp, nil
	}}
}

func TestMessagesArrive(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		client := open(t, rpc.Config{}, ledger{locate: func(_ context.Context, req *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			if !proto.Equal(req, request) {
				t.Errorf("the request is %v", req)
			}
			return response, nil
		}})
		resp, err := client.Locate(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(resp, response) {
			t.Errorf("the response is %v", resp)
		}
	})
}

func TestNilIsTheEmptyMessage(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		resp, err := open(t, rpc.Config{}, answering(nil)).Locate(t.Context(), request)
		if err != nil || !proto.Equal(resp, &ledgerv1.LocateResponse{}) {
			t.Errorf("got %v, %v", resp, err)
		}
	})
}

func TestFaultsCrossWithoutTheirCause(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		sent := fault.Wrap(errSecret, errorsv1.Reason_REASON_RATE_LIMITED, "slow down")
		sent.Metadata = map[string]string{"limit": "7"}
		sent.RetryAfter = 3 * time.Second
		_, err := open(t, rpc.Config{}, failing(fmt.Errorf("locating: %w", sent))).Locate(t.Context(), request)
		var got *fault.Error
		if !errors.As(err, &got) {
			t.Fatalf("got %v", err)
		}
		if got.Reason != sent.Reason || got.Message != sent.Message || got.RetryAfter != sent.RetryAfter || !maps.Equal(got.Metadata, sent.Metadata) {
			t.Errorf("got %+v", got)
		}
		if strings.Contains(err.Error(), "hunter2") || errors.Unwrap(got) != nil {
			t.Errorf("the cause crossed: %v", err)
		}
	})
}

func TestInternalErrorsSayNothingButTheRequestID(t *testing.T) {
	for name, impl := range map[string]ledger{
		"error": failing(errSecret),
		"panic": {locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			panic(errSecret)
		}},
		"foreign service": failing(fault.FromStatus(errSecret)),
	} {
		t.Run(name, func(t *testing.T) {
			throughEach(t, func(t *testing.T, open door) {
				_, err := open(t, rpc.Config{}, impl).Locate(as(t.Context(), "call-7"), request)
				if !errors.Is(err, fault.Internal) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v", err)
				}
				if got := fault.Public(err).Metadata["request_id"]; got != "call-7" {
					t.Errorf("the request id is %q", got)
				}
			})
		})
	}
}

func TestContextErrors(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		entered := make(chan struct{}, 1)
		client := open(t, rpc.Config{}, ledger{locate: func(ctx context.Context, _ *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			entered <- struct{}{}
			<-ctx.Done()
			return nil, fmt.Errorf("waiting: %w", ctx.Err())
		}})
		t.Run("cancelled", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-entered; cancel() }()
			if _, err := client.Locate(ctx, request); fault.ReasonOf(err) != errorsv1.Reason_REASON_CANCELLED {
				t.Errorf("got %v", err)
			}
		})
		t.Run("deadline", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err := client.Locate(ctx, request); fault.ReasonOf(err) != errorsv1.Reason_REASON_DEADLINE_EXCEEDED {
				t.Errorf("got %v", err)
			}
		})
		t.Run("over before the call", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := client.Locate(ctx, request); fault.ReasonOf(err) != errorsv1.Reason_REASON_CANCELLED {
				t.Errorf("got %v", err)
			}
		})
	})
}

func TestUnknownMethods(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		client := open(t, rpc.Config{}, ledger{})
		// The service is there, the method only in its Unimplemented form.
		_, err := client.Audit(t.Context(), &ledgerv1.AuditRequest{})
		if got := fault.ReasonOf(err); got != errorsv1.Reason_REASON_METHOD_NOT_ALLOWED {
			t.Errorf("unimplemented method: %v", err)
		}
	})
	unknown := func(conn grpc.ClientConnInterface) error {
		return conn.Invoke(t.Context(), "/no.such.Service/Method", request, new(ledgerv1.LocateResponse))
	}
	s := serve(t, rpc.Config{}, func(grpc.ServiceRegistrar) {})
	if err := unknown(dial(t, s.address, rpc.DialConfig{})); fault.ReasonOf(err) != errorsv1.Reason_REASON_METHOD_NOT_ALLOWED {
		t.Errorf("Server: %v", err)
	}
	if err := unknown(rpc.NewLocal(rpc.Config{})); fault.ReasonOf(err) != errorsv1.Reason_REASON_METHOD_NOT_ALLOWED {
		t.Errorf("Local: %v", err)
	}
}

func TestInterceptorsStandInOrderBeforeTheHandler(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		var order []string
		note := func(name string) grpc.UnaryServerInterceptor {
			return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				if info.FullMethod != ledgerv1.LedgerService_Locate_FullMethodName {
					t.Errorf("method is %s", info.FullMethod)
				}
				order = append(order, name)
				return next(ctx, req)
			}
		}
		refuse := func(_ context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if req.(*ledgerv1.LocateRequest).GetRevision() == "forbidden" {
				return nil, fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "no")
			}
			return next(context.Background(), req)
		}
		impl := ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			order = append(order, "handler")
			return response, nil
		}}
		client := open(t, rpc.Config{Unary: []grpc.UnaryServerInterceptor{note("first"), note("second"), refuse}}, impl)
		if _, err := client.Locate(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		_, err := client.Locate(t.Context(), &ledgerv1.LocateRequest{Revision: "forbidden"})
		if got := fault.ReasonOf(err); got != errorsv1.Reason_REASON_PERMISSION_DENIED {
			t.Errorf("refused with %v", err)
		}
		if want := []string{"first", "second", "handler", "first", "second"}; !slices.Equal(order, want) {
			t.Errorf("order is %v, want %v", order, want)
		}
	})
}

func TestOneLinePerCall(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		for name, tc := range map[string]struct {
			impl  ledger
			level string
			code  string
			cause string
		}{
			"success":       {answering(response), "DEBUG", "OK", ""},
			"caller's":      {failing(fault.Wrap(errSecret, errorsv1.Reason_REASON_NOT_FOUND, "no")), "INFO", "NotFound", ""},
			"unavailable":   {failing(fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "down")), "WARN", "Unavailable", "down"},
			"ours":          {failing(errSecret), "ERROR", "Internal", errSecret.Error()},
			"another fault": {failing(fault.Wrap(errSecret, errorsv1.Reason_REASON_DATA_LOSS, "bad block")), "ERROR", "DataLoss", "bad block: " + errSecret.Error()},
		} {
			t.Run(name, func(t *testing.T) {
				log := new(journal)
				_, _ = open(t, rpc.Config{Logger: log.logger(), Name: "ledger"}, tc.impl).Locate(as(t.Context(), "call-7"), request)
				lines := log.calls(t)
				if len(lines) != 1 {
					t.Fatalf("%d lines: %v", len(lines), lines)
				}
				line := lines[0]
				got := []any{line["level"], line["code"], line["door"], line["method"], line["request_id"], line["error"]}
				want := []any{tc.level, tc.code, "ledger", ledgerv1.LedgerService_Locate_FullMethodName, "call-7", any(tc.cause)}
				if tc.cause == "" {
					want[5] = nil
				}
				if !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if _, ok := line["duration"]; !ok {
					t.Error("no duration")
				}
			})
		}
	})
}

func TestAPanicIsLoggedWithItsStack(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		log := new(journal)
		client := open(t, rpc.Config{Logger: log.logger()}, ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			panic("nil map")
		}})
		if _, err := client.Locate(t.Context(), request); !errors.Is(err, fault.Internal) {
			t.Errorf("got %v", err)
		}
		line := log.calls(t)[0]
		if line["error"] != "panic: nil map" || !strings.Contains(fmt.Sprint(line["stack"]), "chain_test.go") {
			t.Errorf("line is %v", line)
		}
	})
}

func TestSilenceCostsNothingAndSaysNothing(t *testing.T) {
	throughEach(t, func(t *testing.T, open door) {
		log := new(journal)
		cfg := rpc.Config{Logger: silent(log)}
		if _, err := open(t, cfg, answering(response)).Locate(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if lines := log.calls(t); len(lines) != 0 {
			t.Errorf("log is %v", lines)
		}
	})
}
