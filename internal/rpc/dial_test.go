package rpc_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/loopback"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/grpc"
)

// ledgerOf serves impl and returns a client with the DialConfig.
func ledgerOf(t *testing.T, impl ledger, cfg rpc.DialConfig) ledgerv1.LedgerServiceClient {
	t.Helper()
	s := serve(t, rpc.Config{}, func(r grpc.ServiceRegistrar) { ledgerv1.RegisterLedgerServiceServer(r, impl) })
	return ledgerv1.NewLedgerServiceClient(dial(t, s.address, cfg))
}

func TestNobodyThere(t *testing.T) {
	free, err := loopback.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	address := free[0]
	_, err = ledgerv1.NewLedgerServiceClient(dial(t, address, rpc.DialConfig{})).Locate(t.Context(), request)
	public := fault.Public(err)
	if public.Reason != errorsv1.Reason_REASON_UNAVAILABLE || public.RetryAfter != time.Second {
		t.Errorf("got %+v", public)
	}
	if strings.Contains(public.Error(), address) || !strings.Contains(err.Error(), address) {
		t.Errorf("the caller reads %q, the log %q", public, err)
	}
}

func TestUnaryCallsHaveADeadline(t *testing.T) {
	var left time.Duration
	impl := ledger{locate: func(ctx context.Context, _ *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
		deadline, ok := ctx.Deadline()
		if !ok {
			t.Error("no deadline")
		}
		left = time.Until(deadline)
		return response, nil
	}}
	client := ledgerOf(t, impl, rpc.DialConfig{Timeout: time.Hour})
	if _, err := client.Locate(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if left > time.Hour || left < 30*time.Minute {
		t.Errorf("%v left of an hour", left)
	}
	// One that the caller set stays.
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	if _, err := client.Locate(ctx, request); err != nil {
		t.Fatal(err)
	}
	if left < 2*time.Hour {
		t.Errorf("%v left of a day", left)
	}
}

func TestOnlyReadsAreTriedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		reads  []string
		reason fault.Reason
		calls  int32
	}{
		"a read":               {[]string{"holdfast.ledger.v1.LedgerService/Locate"}, errorsv1.Reason_REASON_UNAVAILABLE, 3},
		"with a slash":         {[]string{ledgerv1.LedgerService_Locate_FullMethodName}, errorsv1.Reason_REASON_UNAVAILABLE, 3},
		"not a read":           {[]string{"holdfast.ledger.v1.LedgerService/Begin"}, errorsv1.Reason_REASON_UNAVAILABLE, 1},
		"nothing known":        {nil, errorsv1.Reason_REASON_UNAVAILABLE, 1},
		"an error that stays":  {[]string{"holdfast.ledger.v1.LedgerService/Locate"}, errorsv1.Reason_REASON_NOT_FOUND, 1},
		"a defect":             {[]string{"holdfast.ledger.v1.LedgerService/Locate"}, errorsv1.Reason_REASON_INTERNAL, 1},
		"more than one method": {[]string{"a.B/C", "holdfast.ledger.v1.LedgerService/Locate"}, errorsv1.Reason_REASON_UNAVAILABLE, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			impl := ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
				calls.Add(1)
				return nil, fault.New(tc.reason, "no")
			}}
			_, err := ledgerOf(t, impl, rpc.DialConfig{Reads: tc.reads}).Locate(t.Context(), request)
			if fault.ReasonOf(err) != tc.reason || calls.Load() != tc.calls {
				t.Errorf("%v after %d calls, want %d", err, calls.Load(), tc.calls)
			}
		})
	}
	if _, err := rpc.Dial("127.0.0.1:1", rpc.DialConfig{Reads: []string{"Locate"}}); err == nil {
		t.Error("a method without a service was taken")
	}
}

func TestACallIsTriedAgainUntilItSucceeds(t *testing.T) {
	var calls atomic.Int32
	impl := ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
		if calls.Add(1) == 1 {
			return nil, fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "no")
		}
		return response, nil
	}}
	client := ledgerOf(t, impl, rpc.DialConfig{Reads: []string{ledgerv1.LedgerService_Locate_FullMethodName}})
	if _, err := client.Locate(t.Context(), request); err != nil {
		t.Errorf("got %v", err)
	}
}

func trusting(roots *x509.CertPool) func(string) *tls.Config {
	return func(string) *tls.Config { return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13} }
}

func TestTLS(t *testing.T) {
	// httptest has a certificate for 127.0.0.1.
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())

	cfg := rpc.Config{TLS: &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS13}}
	s := serve(t, cfg, func(r grpc.ServiceRegistrar) { ledgerv1.RegisterLedgerServiceServer(r, answering(response)) })
	locate := func(cfg rpc.DialConfig) error {
		_, err := ledgerv1.NewLedgerServiceClient(dial(t, s.address, cfg)).Locate(t.Context(), request)
		return err
	}
	var host atomic.Value
	known := func(asked string) *tls.Config {
		if asked != "" {
			host.Store(asked)
		}
		return trusting(roots)(asked)
	}
	if err := locate(rpc.DialConfig{TLS: known}); err != nil || host.Load() != "127.0.0.1" {
		t.Errorf("with TLS: %v, the host was %v", err, host.Load())
	}
	for name, cfg := range map[string]rpc.DialConfig{
		"plain":             {},
		"unknown authority": {TLS: trusting(x509.NewCertPool())},
	} {
		if err := locate(cfg); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCallsAreSpreadOverAllAddresses(t *testing.T) {
	var served []string
	var addresses []string
	for _, name := range []string{"a", "b"} {
		s := serve(t, rpc.Config{}, func(r grpc.ServiceRegistrar) {
			ledgerv1.RegisterLedgerServiceServer(r, ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
				served = append(served, name) // one call at a time
				return response, nil
			}})
		})
		addresses = append(addresses, s.address)
	}
	client := ledgerv1.NewLedgerServiceClient(dial(t, static(t, addresses), rpc.DialConfig{}))
	both := func() bool { return slices.Contains(served, "a") && slices.Contains(served, "b") }
	for len(served) < 1000 && !both() {
		if _, err := client.Locate(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if !both() {
		t.Error("one address got all the calls")
	}
}
