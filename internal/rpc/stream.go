package rpc

import (
	"io"

	"github.com/holdfast-files/holdfast/internal/fault"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// translatedStream is a client stream whose errors are faults; io.EOF stays.
type translatedStream struct{ grpc.ClientStream }

func (s *translatedStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	return md, translate(err)
}

func (s *translatedStream) CloseSend() error    { return translate(s.ClientStream.CloseSend()) }
func (s *translatedStream) SendMsg(m any) error { return translate(s.ClientStream.SendMsg(m)) }
func (s *translatedStream) RecvMsg(m any) error { return translate(s.ClientStream.RecvMsg(m)) }

func translate(err error) error {
	if err == io.EOF { //nolint:errorlint // a wrapped one is not the end of the stream
		return err
	}
	return fault.FromStatus(err)
}
