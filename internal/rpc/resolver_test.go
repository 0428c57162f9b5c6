package rpc_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"golang.org/x/net/dns/dnsmessage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// static returns a target that has the addresses.
func static(t *testing.T, addresses []string) string {
	t.Helper()
	r := manual.NewBuilderWithScheme("static")
	var state resolver.State
	for _, a := range addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: a})
	}
	r.InitialState(state)
	resolver.Register(r)
	return "static:///ledger"
}

// names answers DNS questions: every host is at 127.0.0.1, and about anything
// else it is silent, like a resolver cut off from the rest of the world. It
// returns its address, and the types it was asked for so far.
func names(t *testing.T) (address string, asked func() []dnsmessage.Type) {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var types []dnsmessage.Type
	var serving sync.WaitGroup
	serving.Go(func() {
		packet := make([]byte, 1500)
		for {
			n, peer, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(packet[:n]); err != nil || len(m.Questions) != 1 {
				t.Errorf("not a question: %v", err)
				return
			}
			q := m.Questions[0]
			mu.Lock()
			types = append(types, q.Type)
			mu.Unlock()
			answer := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true},
				Questions: m.Questions,
			}
			switch q.Type {
			case dnsmessage.TypeA:
				answer.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
					Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
				}}
			case dnsmessage.TypeAAAA:
			default:
				continue
			}
			if packed, err := answer.Pack(); err != nil {
				t.Error(err)
			} else if _, err := conn.WriteTo(packed, peer); err != nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		serving.Wait()
	})
	return conn.LocalAddr().String(), func() []dnsmessage.Type {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(types)
	}
}

// What a resolver may be asked for is the addresses alone. gRPC would also ask
// for a service config, and no call would leave before that answer.
func TestResolverIsAskedForAddressesOnly(t *testing.T) {
	resolver, asked := names(t)
	s := serve(t, rpc.Config{}, func(r grpc.ServiceRegistrar) {
		ledgerv1.RegisterLedgerServiceServer(r, ledger{locate: func(context.Context, *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
			return response, nil
		}})
	})
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, "dns://"+resolver+"/ledger.test:"+port, rpc.DialConfig{})
	if _, err := ledgerv1.NewLedgerServiceClient(conn).Locate(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	types := asked()
	if !slices.Contains(types, dnsmessage.TypeA) {
		t.Errorf("asked for %v, not for an address", types)
	}
	for _, q := range types {
		if q != dnsmessage.TypeA && q != dnsmessage.TypeAAAA {
			t.Errorf("asked for %v", q)
		}
	}
}
