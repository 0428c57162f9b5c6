package rpc_test

import (
	"testing"

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
