package server

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// scope names what is observed here.
const scope = "github.com/holdfast-files/holdfast/services/storage"

// The attributes of the bytes moved.
var (
	up   = metric.WithAttributeSet(attribute.NewSet(attribute.String("direction", "up")))
	down = metric.WithAttributeSet(attribute.NewSet(attribute.String("direction", "down")))
)

// Observe makes metrics of what the engine and the sweeper count anyway: they
// are read when they are exported, and cost nothing on the way of a byte.
func (s *Server) Observe(meters metric.MeterProvider) error {
	m := &instruments{Meter: meters.Meter(scope)}
	moved := m.counter("holdfast.transfer.bytes", "By", "Bytes of contents that callers sent (up) and were sent (down).")
	buffers := m.gauge("holdfast.transfer.inflight_bytes", "By", "Memory that the buffers of the uploads in hand take, of --upload-memory.")
	uploads := m.gauge("holdfast.upload.inflight", "{upload}", "Uploads in hand.")
	retries := m.counter("holdfast.extent.retries", "{try}", "Tries to commit or to read extents that were repeated.")
	backlog := m.gauge("holdfast.sweeper.backlog", "{job}", "Jobs that are due and not done.")
	oldest := m.gauge("holdfast.sweeper.oldest_age_seconds", "s", "For how long the oldest job has been due.")
	deleted := m.counter("holdfast.sweeper.deleted", "{blob}", "Blobs that were deleted.")
	failed := m.counter("holdfast.sweeper.failed", "{try}", "Tries of jobs that failed.")
	if err := errors.Join(m.errs...); err != nil {
		return err
	}
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		moves, sweeps := s.content.Stats(), s.sweeper.Stats()
		o.ObserveInt64(moved, moves.UploadedBytes, up)
		o.ObserveInt64(moved, moves.DownloadedBytes, down)
		o.ObserveInt64(buffers, moves.BufferBytes)
		o.ObserveInt64(uploads, moves.Uploads)
		o.ObserveInt64(retries, moves.Retries)
		o.ObserveInt64(backlog, sweeps.Waiting+sweeps.InHand)
		o.ObserveInt64(oldest, age(sweeps.OldestDue))
		o.ObserveInt64(deleted, sweeps.Deleted)
		o.ObserveInt64(failed, sweeps.Failed)
		return nil
	}, moved, buffers, uploads, retries, backlog, oldest, deleted, failed)
	return err
}

// age returns the whole seconds since due, 0 when nothing is.
func age(due time.Time) int64 {
	if due.IsZero() {
		return 0
	}
	return max(0, int64(time.Since(due).Seconds()))
}

// instruments makes instruments and keeps what went wrong.
type instruments struct {
	metric.Meter
	errs []error
}

func (m *instruments) counter(name, unit, description string) metric.Int64ObservableCounter {
	c, err := m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.errs = append(m.errs, err)
	return c
}

func (m *instruments) gauge(name, unit, description string) metric.Int64ObservableGauge {
	g, err := m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.errs = append(m.errs, err)
	return g
}
