package access

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/logging"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// spoken returns the line that an audit log writes of a call.
func spoken(t *testing.T, from caller.Caller, c call) map[string]string {
	t.Helper()
	var b bytes.Buffer
	lines := logging.Gather(&b)
	audit, err := NewAudit(lines, nil)
	if err != nil {
		t.Fatal(err)
	}
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}})
	audit.told(trace.ContextWithSpanContext(caller.With(t.Context(), from), span), c)
	if err := lines.Flush(); err != nil {
		t.Error(err)
	}
	text, whole := strings.CutSuffix(b.String(), "\n")
	if !whole || strings.ContainsAny(text, "\n\r") {
		t.Errorf("not one line: %q", b.String())
	}
	var entry map[string]string
	if err := json.Unmarshal([]byte(text), &entry); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if _, err := time.Parse(time.RFC3339Nano, entry["time"]); err != nil {
		t.Error(err)
	}
	delete(entry, "time")
	return entry
}

func TestAuditLine(t *testing.T) {
	get := call{
		method:   "/holdfast.metadata.v1.FileService/GetFile",
		rule:     policy["/holdfast.metadata.v1.FileService/GetFile"],
		decision: &decision{principal: Principal{ID: "user:alice", Kind: KindUser}, let: true},
		req:      &metadatav1.GetFileRequest{Name: "spaces/team/files/f"},
	}
	from := caller.Caller{Authorization: "Bearer secret", RequestID: "call-7", Address: "192.0.2.7"}
	common := map[string]string{
		"msg": "access", "logger": "audit", "principal": "user:alice", "kind": "user",
		"method": "holdfast.metadata.v1.FileService/GetFile", "resource": "spaces/team/files/f",
		"address": "192.0.2.7", "request_id": "call-7",
		"trace_id": "ab000000000000000000000000000000", "span_id": "cd00000000000000",
	}
	for name, row := range map[string]struct {
		err  error
		let  bool
		want map[string]string
	}{
		"allowed": {nil, true, map[string]string{"level": "INFO", "result": "allowed"}},
		"failed": {
			fault.New(errorsv1.Reason_REASON_NOT_FOUND, "no such file"), true,
			map[string]string{"level": "INFO", "result": "failed", "reason": "NOT_FOUND"},
		},
		"denied": {
			fault.New(errorsv1.Reason_REASON_NOT_FOUND, "no such space"), false,
			map[string]string{"level": "WARN", "result": "denied", "reason": "NOT_FOUND"},
		},
		"denied by the handler": {
			fault.New(errorsv1.Reason_REASON_PERMISSION_DENIED, "no"), true,
			map[string]string{"level": "WARN", "result": "denied", "reason": "PERMISSION_DENIED"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := get
			c.err, c.decision = row.err, &decision{principal: get.decision.principal, let: row.let}
			maps.Copy(row.want, common)
			if got := spoken(t, from, c); !maps.Equal(got, row.want) {
				t.Errorf("got  %v\nwant %v", got, row.want)
			}
		})
	}
}

// Chores are told of only when they fail.
func TestAuditOfChores(t *testing.T) {
	const method = ledgerv1.LedgerService_ClaimJobs_FullMethodName
	for _, result := range []string{"allowed", "denied", "failed"} {
		var b bytes.Buffer
		audit, err := NewAudit(logging.Gather(&b), nil)
		if err != nil {
			t.Fatal(err)
		}
		d := Dispatcher{Audit: audit}
		proof := func(context.Context) error {
			if result == "denied" {
				return fault.New(errorsv1.Reason_REASON_UNAUTHENTICATED, "you are not storage")
			}
			return nil
		}
		panicked := false
		func() {
			defer func() { panicked = recover() != nil }()
			_, err = d.Ledger(proof)(t.Context(), new(ledgerv1.ClaimJobsRequest), &grpc.UnaryServerInfo{FullMethod: method},
				func(context.Context, any) (any, error) {
					if result == "failed" {
						panic("at the worst moment")
					}
					return new(ledgerv1.ClaimJobsResponse), nil
				})
		}()
		if panicked != (result == "failed") || (err != nil) != (result == "denied") {
			t.Errorf("%s: %v, panicked: %t", result, err, panicked)
		}
		if told := strings.Contains(b.String(), `"result":"`+result+`"`); told != (result != "allowed") {
			t.Errorf("%s: the audit log is %q", result, b.String())
		}
	}
}

// Whatever a caller puts into a name, a line stays one line, of bounded length, and says
// just that.
func FuzzAuditLine(f *testing.F) {
	for _, s := range []string{
		"", "spaces/team/files/f", `quote " and \`, "line\nbreak\r", "\x00\x1f\x7f\u2028", "naïve 日本 \U0001f600", "\xff\xc0 not UTF-8", `{"a":"b"},`,
		"<script>&", strings.Repeat("long", 1000),
	} {
		f.Add(s, "key:team/k1")
		f.Add("x", s)
	}
	f.Fuzz(func(t *testing.T, resource, id string) {
		got := spoken(t, caller.Caller{Address: resource, RequestID: id}, call{
			method: "/m", decision: &decision{principal: Principal{ID: id, Kind: KindKey}, resource: resource, let: true},
		})
		for name, value := range map[string]string{"principal": id, "resource": resource, "address": resource, "request_id": id, "method": "m"} {
			if value == "" && name == "request_id" {
				continue
			}
			if got[name] != valid(value[:min(len(value), maxValueBytes)]) {
				t.Errorf("%s is %q, want %q", name, got[name], value)
			}
		}
	})
}

// valid returns a string with each byte that is no UTF-8 replaced, as JSON has it.
func valid(s string) string { return string([]rune(s)) }

// BenchmarkAuditLine is what each call pays.
func BenchmarkAuditLine(b *testing.B) {
	audit, err := NewAudit(logging.Gather(io.Discard), nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx := caller.With(b.Context(), caller.Caller{RequestID: "4f5c0a3e9b7d4e21a6c8f0b2d3e4f5a6", Address: "192.0.2.7"})
	c := call{
		method: "/holdfast.ledger.v1.LedgerService/Locate", rule: policy["/holdfast.ledger.v1.LedgerService/Locate"],
		decision: &decision{
			principal: Principal{ID: "key:default/0198f3a2b4c5", Kind: KindKey}, let: true,
			resource: "spaces/default/files/0198f3a2b4c576d8",
		},
	}
	for b.Loop() {
		audit.told(ctx, c)
	}
}
