package logging_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/logging"
)

func line(t *testing.T, b *bytes.Buffer) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(b.Bytes(), &fields); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return fields
}

func TestTheRequestIDIsOnEachLine(t *testing.T) {
	var b bytes.Buffer
	log := logging.New(&b, slog.LevelInfo, slog.String("service", "metadata")).With(slog.Int("shard", 3))
	ctx := caller.With(t.Context(), caller.Caller{RequestID: "call-7", Authorization: "Bearer x"})
	log.InfoContext(ctx, "hello")
	got := line(t, &b)
	if got["request_id"] != "call-7" || got["service"] != "metadata" || got["shard"] != 3.0 || got["msg"] != "hello" {
		t.Errorf("got %v", got)
	}
	if bytes.Contains(b.Bytes(), []byte("Bearer")) {
		t.Errorf("the credential is logged: %s", b.Bytes())
	}
}

func TestNoRequestIDOutsideOfACall(t *testing.T) {
	var b bytes.Buffer
	logging.New(&b, slog.LevelInfo).InfoContext(t.Context(), "hello")
	if _, ok := line(t, &b)["request_id"]; ok {
		t.Errorf("got %s", b.Bytes())
	}
}

func TestLevel(t *testing.T) {
	var b bytes.Buffer
	var level slog.LevelVar
	log := logging.New(&b, &level)
	log.DebugContext(t.Context(), "silent")
	if b.Len() > 0 {
		t.Errorf("got %s", b.Bytes())
	}
	level.Set(slog.LevelDebug)
	log.DebugContext(t.Context(), "said")
	if line(t, &b)["msg"] != "said" {
		t.Errorf("got %s", b.Bytes())
	}
}
