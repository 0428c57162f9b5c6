// Package server puts the metadata service together: the domain over a table,
// behind the one dispatcher that every transport calls. The engine comes from
// main; nothing here knows which it is.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/lifecycle"
	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/settings"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/namespace"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// Config is what the service needs.
type Config struct {
	// Table is the system of record.
	Table table.Table
	// Logger is for what has no caller to be returned to.
	Logger *slog.Logger
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Retention is how long what is gone stays.
	Retention Retention
	// Seal is the secret that seals grants and page tokens; one that is kept with
	// the records when empty.
	Seal string
	// Allowance bounds what a caller may have under way.
	Allowance Allowance
	// Identity says who may call; the zero value is open mode.
	Identity Identity
	// Rates bounds how often one principal calls; the zero value is no bound.
	Rates Rates
	// Audit gets the audit log, lines of JSON; nil for none. In open mode there
	// is nobody to tell of.
	Audit io.Writer
	// Meters counts; nil for not at all.
	Meters metric.MeterProvider
}

// Retention is how long what is gone stays. They are settings of every program
// that runs the metadata service.
type Retention struct {
	TrashRetention time.Duration `help:"How long a deleted file or folder can be brought back." default:"720h"`
	BlobRetention  time.Duration `help:"How long bytes stay after their last record is gone, for readers that are under way and for restored backups." default:"24h"`
	UploadLifetime time.Duration `help:"How long one upload may take; what is left of one that took longer is collected." default:"24h"`
	UploadExpiry   time.Duration `help:"How long a resumable upload waits for its next byte; what there is of one that waited longer is collected." default:"24h"`
	SweepGrace     time.Duration `help:"Longer than any request lives: how long after a removal its place is looked at once more." default:"10m"`
}

// Allowance is how much a caller may have under way, likewise.
type Allowance struct {
	MaxOpenUploads int64 `help:"Resumable uploads that one principal may have open at a time; 0 for no bound." default:"1000"`
}

// Check checks the settings.
func (a Allowance) Check(c *settings.Check) {
	if a.MaxOpenUploads < 0 {
		c.Failf("max-open-uploads", "%d is below 0", a.MaxOpenUploads)
	}
}

// Check checks the settings.
func (r Retention) Check(c *settings.Check) {
	c.Positive("trash-retention", r.TrashRetention)
	c.NotNegative("blob-retention", r.BlobRetention)
	c.Positive("upload-lifetime", r.UploadLifetime)
	c.Positive("upload-expiry", r.UploadExpiry)
	c.Positive("sweep-grace", r.SweepGrace)
}

// Server is the metadata service.
type Server struct {
	namespace     *namespace.Namespace
	dispatcher    access.Dispatcher
	quotaRefusals atomic.Int64
	started       atomic.Bool
	audit         *logging.Gathered // nil when there is none
}

// New returns the service over its table, of which it asks nothing yet: see
// Start.
func New(ctx context.Context, config Config) (*Server, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	bootstrap, err := config.Identity.bootstrapHash()
	if err != nil {
		return nil, err
	}
	n, err := namespace.New(namespace.Config{
		Table:          config.Table,
		Now:            config.Now,
		Logger:         config.Logger,
		Secret:         config.Seal,
		Identified:     config.Identity.Configured(),
		BootstrapHash:  bootstrap,
		TrashRetention: config.Retention.TrashRetention,
		UploadLifetime: config.Retention.UploadLifetime,
		UploadExpiry:   config.Retention.UploadExpiry,
		BlobRetention:  config.Retention.BlobRetention,
		Grace:          config.Retention.SweepGrace,
		MaxOpenUploads: config.Allowance.MaxOpenUploads,
	})
	if err != nil {
		return nil, err
	}
	s := &Server{namespace: n, dispatcher: access.Dispatcher{Members: n}}
	if !config.Identity.Configured() {
		return s, nil
	}
	if s.dispatcher.Authenticator, err = config.Identity.authenticator(ctx, n, bootstrap, config.Logger, config.Now); err != nil {
		return nil, err
	}
	s.dispatcher.Rates = config.Rates.pace(config.Now)
	if config.Identity.AuditLog && config.Audit != nil {
		s.audit = logging.Gather(config.Audit)
	}
	s.dispatcher.Audit, err = access.NewAudit(s.audit, config.Meters)
	return s, err
}

// Start reads from the table what the service needs, makes a space unless there
// is one of that id or id is empty, and lets calls in; before that they are
// UNAVAILABLE. It may be repeated, which a table that is not there yet asks for
// by UNAVAILABLE.
func (s *Server) Start(ctx context.Context, space string) error {
	if err := s.namespace.Load(ctx); err != nil {
		return err
	}
	if err := s.ensureSpace(ctx, space); err != nil {
		return err
	}
	s.started.Store(true)
	return nil
}

// Register registers what callers may call.
func (s *Server) Register(registrar grpc.ServiceRegistrar) {
	metadatav1.RegisterSpaceServiceServer(registrar, s.namespace)
	metadatav1.RegisterFileServiceServer(registrar, s.namespace)
	metadatav1.RegisterMemberServiceServer(registrar, s.namespace)
	metadatav1.RegisterKeyServiceServer(registrar, s.namespace)
	metadatav1.RegisterUploadServiceServer(registrar, s.namespace)
	metadatav1.RegisterShareServiceServer(registrar, s.namespace)
}

// RegisterLedger registers what storage alone may call.
func (s *Server) RegisterLedger(registrar grpc.ServiceRegistrar) {
	ledgerv1.RegisterLedgerServiceServer(registrar, s.namespace)
}

// Dispatcher returns the interceptors that say who calls and what they may do.
// They stand in every door to the service, also in the one within a process.
func (s *Server) Dispatcher() []grpc.UnaryServerInterceptor {
	return []grpc.UnaryServerInterceptor{s.onceStarted, s.countRefusals(s.dispatcher.Public())}
}

// StreamDispatcher returns the interceptors of streams at those doors.
func (s *Server) StreamDispatcher() []grpc.StreamServerInterceptor {
	return []grpc.StreamServerInterceptor{access.NoStreams}
}

// LedgerDispatcher returns the interceptors of the door that only storage may
// enter, which proof tells.
func (s *Server) LedgerDispatcher(proof access.Proof) []grpc.UnaryServerInterceptor {
	return []grpc.UnaryServerInterceptor{s.onceStarted, s.countRefusals(s.dispatcher.Ledger(proof))}
}

// Component returns what the service does beside its calls. It ends after the
// doors, so that the audit log is whole.
func (s *Server) Component() lifecycle.Component {
	return lifecycle.Component{Name: "key uses and audit log", Run: func(ctx context.Context) error {
		err := s.namespace.NoteKeyUses(ctx)
		if s.audit != nil {
			err = errors.Join(err, s.audit.Flush())
		}
		return err
	}}
}

// SameProcess is the proof of a storage service that has the door to itself,
// since it runs in the same process.
func SameProcess(context.Context) error { return nil }

// ensureSpace makes a space unless there is one of that id, or id is empty.
func (s *Server) ensureSpace(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	_, err := s.namespace.CreateSpace(access.With(ctx, access.System), &metadatav1.CreateSpaceRequest{
		SpaceId: id, Space: new(metadatav1.Space),
	})
	if err != nil && !errors.Is(err, fault.Exists) {
		return fmt.Errorf("make space %s: %w", id, err)
	}
	return nil
}

// onceStarted refuses calls until Start is through.
func (s *Server) onceStarted(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if !s.started.Load() {
		return nil, errStarting
	}
	return handler(ctx, req)
}

var errStarting = fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "the service is starting: its records cannot be reached yet; retry")

// Bootstrap makes the first administrator's API key, in a space, and returns its
// secret, which nobody can read again; empty when that was done before.
func (s *Server) Bootstrap(ctx context.Context, space string) (string, error) {
	return s.namespace.Bootstrap(ctx, space)
}
