package rpc_test

import (
	"net"
	"testing"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func BenchmarkBare(b *testing.B) {
	s := grpc.NewServer()
	ledgerv1.RegisterLedgerServiceServer(s, answering(response))
	lis, _ := net.Listen("tcp", "127.0.0.1:0")
	go s.Serve(lis)
	defer s.Stop()
	conn, _ := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	client := ledgerv1.NewLedgerServiceClient(conn)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Locate(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}
