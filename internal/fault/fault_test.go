package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

func TestSentinelsMatchByReason(t *testing.T) {
	err := fmt.Errorf("opening: %w", fault.Wrap(errSecret, errorsv1.Reason_REASON_NOT_FOUND, "no such file"))
	if !errors.Is(err, fault.NotFound) || !errors.Is(err, errSecret) {
		t.Errorf("%v is not what it wraps", err)
	}
	if errors.Is(err, fault.Exists) {
		t.Error("matches another reason")
	}
	if errors.Is(err, fault.New(errorsv1.Reason_REASON_NOT_FOUND, "no such file")) {
		t.Error("matches an error that is no sentinel")
	}
}

func TestInvalidfNamesTheField(t *testing.T) {
	err := fault.Invalidf("display_name", "%d bytes, at most %d", 300, 255)
	if err.Error() != "display_name: 300 bytes, at most 255" || err.Metadata["field"] != "display_name" {
		t.Errorf("got %+v", err)
	}
}
