package fault

import (
	"errors"
	"log/slog"
	"net/http"
)

// Attrs returns what a log may say about the error of a call: the reason, the
// field at fault if one was named, and, when it was not the caller who was
// wrong, the whole text with its cause. A message for a caller who was wrong
// repeats what he sent, and a log must not hold the names of files.
func Attrs(err error) []slog.Attr {
	if err == nil {
		return nil
	}
	reason := ReasonOf(err)
	attrs := []slog.Attr{slog.String("reason", reason.String())}
	if HTTPStatus(reason) >= http.StatusInternalServerError {
		return append(attrs, slog.String("error", err.Error()))
	}
	if e := (*Error)(nil); errors.As(err, &e) && e.Metadata["field"] != "" {
		attrs = append(attrs, slog.String("field", e.Metadata["field"]))
	}
	return attrs
}
