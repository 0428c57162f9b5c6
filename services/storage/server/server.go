// Package server puts the storage service together: the content engine, the
// sweeper and the inspection on top of a blob store and a ledger. The engine
// and the connection come from main; nothing here knows which they are.
package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/content"
	"github.com/holdfast-files/holdfast/services/storage/inspect"
	"github.com/holdfast-files/holdfast/services/storage/internal/contentgrpc"
	"github.com/holdfast-files/holdfast/services/storage/sweeper"
	"google.golang.org/grpc"
)

// Config is what the service needs.
type Config struct {
	// Blobs is where the bytes lie; whoever made it closes it after Run.
	Blobs blob.Store
	// Ledger is metadata's side, remote or in the same process.
	Ledger ledgerv1.LedgerServiceClient
	// Logger is for what has no caller to be returned to.
	Logger *slog.Logger
	// Limits bound what the service takes on.
	Limits Limits
}

// Server is the storage service.
type Server struct {
	blobs     blob.Store
	content   *content.Engine
	sweeper   *sweeper.Sweeper
	inspector *inspect.Inspector
	stall     time.Duration
}

// New returns the service. Nothing happens before it is used or Run.
func New(cfg Config) *Server {
	limits := cfg.Limits
	return &Server{
		blobs: cfg.Blobs,
		content: content.New(content.Config{
			Blobs: cfg.Blobs, Ledger: cfg.Ledger, Logger: cfg.Logger,
			UploadMemory: limits.UploadMemory << 20, CommitTimeout: limits.CommitTimeout,
		}),
		sweeper: sweeper.New(sweeper.Config{
			Blobs: cfg.Blobs, Ledger: cfg.Ledger, Logger: cfg.Logger,
			Interval: limits.SweepInterval, Rate: limits.SweepRate, Lease: limits.SweepLease,
		}),
		inspector: inspect.New(inspect.Config{
			Blobs: cfg.Blobs, Ledger: cfg.Ledger, Logger: cfg.Logger, OrphanGrace: limits.OrphanGrace,
		}),
		stall: limits.UploadStall,
	}
}

// Start returns nil when the blob store answers.
func (s *Server) Start(ctx context.Context) error {
	err := s.blobs.List(ctx, func(blob.Info) error { return errAnswers })
	if errors.Is(err, errAnswers) {
		return nil
	}
	return err
}

var errAnswers = errors.New("the blob store answers")

// Content returns the engine, for callers in the same process.
func (s *Server) Content() *content.Engine { return s.content }

// Sweeper returns the sweeper, for its stats and for sweeping at once.
func (s *Server) Sweeper() *sweeper.Sweeper { return s.sweeper }

// Inspector returns the inspection, for fsck in the same process.
func (s *Server) Inspector() *inspect.Inspector { return s.inspector }

// Register registers what callers may call. The server must use wire.Codec.
func (s *Server) Register(registrar grpc.ServiceRegistrar) {
	service := contentgrpc.New(s.content, s.stall)
	storagev1.RegisterContentServiceServer(registrar, service)
	storagev1.RegisterResumableServiceServer(registrar, service)
}

// RegisterInspection registers what only operators may call.
func (s *Server) RegisterInspection(registrar grpc.ServiceRegistrar) {
	ledgerv1.RegisterInspectionServiceServer(registrar, inspect.NewService(s.inspector))
}

// Run sweeps until ctx ends, and then returns nil.
func (s *Server) Run(ctx context.Context) error { return s.sweeper.Run(ctx) }
