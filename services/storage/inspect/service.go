package inspect

import (
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	"google.golang.org/grpc"
)

// Service serves holdfast.ledger.v1.InspectionService. It asks for no
// credential: it belongs on a listener that only operators reach.
type Service struct {
	ledgerv1.UnsafeInspectionServiceServer
	inspector *Inspector
}

var _ ledgerv1.InspectionServiceServer = (*Service)(nil)

// NewService returns a service on top of inspector.
func NewService(inspector *Inspector) *Service { return &Service{inspector: inspector} }

// Inspect streams the findings and then the summary.
func (s *Service) Inspect(req *ledgerv1.InspectRequest, stream grpc.ServerStreamingServer[ledgerv1.InspectResponse]) error {
	summary, err := s.inspector.Inspect(stream.Context(), req, func(f *ledgerv1.Finding) error {
		return stream.Send(&ledgerv1.InspectResponse{Payload: &ledgerv1.InspectResponse_Finding{Finding: f}})
	})
	if err != nil {
		return err
	}
	return stream.Send(&ledgerv1.InspectResponse{Payload: &ledgerv1.InspectResponse_Summary{Summary: summary}})
}
