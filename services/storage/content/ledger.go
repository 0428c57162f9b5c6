package content

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

func (e *Engine) begin(ctx context.Context, spec *storagev1.UploadSpec) (*ledgerv1.BeginResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, e.ledgerTimeout)
	defer cancel()
	resp, err := e.ledger.Begin(ctx, &ledgerv1.BeginRequest{Spec: spec})
	return resp, fault.FromStatus(err)
}

func (e *Engine) locate(ctx context.Context, req *ledgerv1.LocateRequest) (*ledgerv1.LocateResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, e.ledgerTimeout)
	defer cancel()
	resp, err := e.ledger.Locate(ctx, req)
	return resp, fault.FromStatus(err)
}

func (e *Engine) locateShared(ctx context.Context, req *ledgerv1.LocateSharedRequest) (*ledgerv1.LocateSharedResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, e.ledgerTimeout)
	defer cancel()
	resp, err := e.ledger.LocateShared(ctx, req)
	return resp, fault.FromStatus(err)
}

// commit makes an upload visible. Once sent, a commit is seen through even
// when the caller goes away, so that its outcome is known whenever it can be.
func (e *Engine) commit(ctx context.Context, req *ledgerv1.CommitRequest) (*ledgerv1.CommitResponse, error) {
	return persist(ctx, e, func(ctx context.Context) (*ledgerv1.CommitResponse, error) { return e.ledger.Commit(ctx, req) })
}

// persist makes a call of the ledger that may be repeated, since it comes to the
// same however often it is sent. It is sent again when the ledger could not be
// reached or did not answer, also when the caller goes away.
func persist[R any](ctx context.Context, e *Engine, call func(context.Context) (R, error)) (R, error) {
	ctx = context.WithoutCancel(ctx)
	end := time.Now().Add(e.commitTimeout)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		resp, err := once(ctx, min(e.ledgerTimeout, time.Until(end)), call)
		if err == nil || !unanswered(err) || time.Until(end) < 2*pause {
			return resp, err
		}
		// Spread, so that many uploads do not come back at once.
		e.stats.retries.Add(1)
		<-time.After(pause/2 + rand.N(pause)) //nolint:gosec // nothing to guess
	}
}

func once[R any](ctx context.Context, timeout time.Duration, call func(context.Context) (R, error)) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	resp, err := call(ctx)
	return resp, fault.FromStatus(err)
}

// abandon tells the ledger that an upload failed. absent says that no blob is
// left and none can come any more.
func (e *Engine) abandon(ctx context.Context, grant []byte, absent bool) {
	_, err := e.ledger.Abandon(ctx, &ledgerv1.AbandonRequest{Grant: grant, BlobAbsent: absent})
	if err != nil {
		e.logger.WarnContext(ctx, "upload not abandoned; its intent will expire", slog.Any("error", err))
	}
}

// unanswered reports whether err says that a call may or may not have taken
// effect and that a later try may tell.
func unanswered(err error) bool {
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_UNAVAILABLE, errorsv1.Reason_REASON_DEADLINE_EXCEEDED, errorsv1.Reason_REASON_CANCELLED:
		return true
	}
	return false
}

// failed returns the error of an upload or download as its caller is to see
// it: one of ours as it is, the end of ctx as such, all else INTERNAL.
func failed(ctx context.Context, err error, doing string) error {
	var ours *fault.Error
	if errors.As(err, &ours) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		return fault.FromStatus(cause)
	}
	if e := fault.FromStatus(err); !errors.Is(e, fault.Internal) {
		return e
	}
	return fault.Wrap(err, errorsv1.Reason_REASON_INTERNAL, "%s failed", doing)
}
