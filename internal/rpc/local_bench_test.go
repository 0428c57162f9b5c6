package rpc_test

import (
	"testing"

	"github.com/holdfast-files/holdfast/internal/rpc"
)

func BenchmarkDoors(b *testing.B) {
	for name, open := range doors {
		b.Run(name, func(b *testing.B) {
			client := open(b, rpc.Config{}, answering(response))
			ctx := as(b.Context(), "call-7")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Locate(ctx, request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
