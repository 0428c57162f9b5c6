package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// giveUpLimit bounds how long giving up an upload may take.
const giveUpLimit = 5 * time.Second

// ErrUnsteady is why contents that are being written are not uploaded: what was
// sent would be neither the old nor the new ones.
var ErrUnsteady = errors.New("the file was changed while it was read")

// hopeful reports whether an attempt that failed so is worth another at once,
// and makes ready for it: an upload that is gone is opened anew, and one that is
// further than was thought is asked.
func (s *sending) hopeful(err error) bool {
	switch {
	case s.location == "":
		return false
	case errors.Is(err, fault.NotFound), fault.ReasonOf(err) == errorsv1.Reason_REASON_EXPIRED:
		s.restart()
		return true
	}
	return fault.ReasonOf(err) == errorsv1.Reason_REASON_OFFSET_MISMATCH
}

func (s *sending) restart() {
	s.Memory.Forget()
	s.location, s.loaded, s.key, s.offset = "", false, "", 0
	s.tell(0)
}

// leave keeps the upload for another run where that can go on with it.
func (s *sending) leave(ctx context.Context, err error) {
	s.tell(0)
	if s.location == "" || !hopeless(err) {
		return
	}
	s.giveUp(ctx)
	s.Memory.Forget()
}

// giveUp tells the server that nobody will come back for the upload, so that its
// bytes, its slot and what it reserved are free before its time is over. Whoever
// interrupts the program does not keep it from that; nothing repeats it, as time
// comes to the same. A file that the upload has become stays.
func (s *sending) giveUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpLimit)
	defer cancel()
	req, err := s.client.request(ctx, http.MethodDelete, s.client.server+s.location)
	if err != nil {
		return
	}
	if resp, err := s.client.send(req); err == nil {
		_ = resp.Body.Close() // it is empty
	}
}

// hopeless reports whether an upload that failed so will never be completed,
// whoever comes back for it. All else may pass, if not by itself: a credential is
// renewed, a disk gets room, a server is repaired.
func hopeless(err error) bool {
	switch fault.ReasonOf(err) {
	case errorsv1.Reason_REASON_DIGEST_MISMATCH,
		errorsv1.Reason_REASON_PRECONDITION_FAILED,
		errorsv1.Reason_REASON_INVALID_ARGUMENT,
		errorsv1.Reason_REASON_DATA_LOSS: // of what came before
		return true
	}
	return errors.Is(err, ErrUnsteady)
}
