package rpc_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/holdfast-files/holdfast/internal/rpc"
)

// TestServiceTokens has a service show each of some tokens to a door that takes
// none, one or two: the old and the new one while a token is changed.
func TestServiceTokens(t *testing.T) {
	for _, tc := range []struct {
		shown string
		taken []string
		ok    bool
	}{
		{"old", []string{"old"}, true},
		{"old", []string{"old", "new"}, true},
		{"new", []string{"old", "new"}, true},
		{"new", []string{"new", "old"}, true},
		{"new", []string{"old"}, false},
		{"oldnew", []string{"old", "new"}, false},
		{"", []string{"old", "new"}, false},
		{"", []string{""}, false},
		{"", nil, false},
		{"old", nil, false},
	} {
		ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs("x-service-token", tc.shown))
		if err := rpc.CheckServiceToken(ctx, tc.taken...); (err == nil) != tc.ok {
			t.Errorf("%q of %q: %v", tc.shown, tc.taken, err)
		}
	}
}
