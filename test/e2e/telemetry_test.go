package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/test/fleet"
)

const (
	traceID  = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID = "00f067aa0ba902b7"
)

// observed are three processes that export to a receiver, and what was asked
// of them; they have ended.
type observed struct {
	*receiver
	outputs map[string]string // what each program printed
	upload  *answer
	secrets []string
	size    int
}

// observe uploads a file under a known trace, gets it, and is refused a few
// times.
func observe(t *testing.T, onAWS bool) observed {
	t.Helper()
	programs, err := fleet.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := observed{receiver: receive(t), outputs: map[string]string{}, secrets: []string{"Lohnliste", "Gehalt", "hf_credential", "geheimer-inhalt"}}
	data := t.TempDir()
	var servers *fleet.AWS
	if onAWS {
		s, err := fleet.StartStandIn(t.Context(), programs, data)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Program.Stop(); err != nil {
				t.Error(err)
			}
		})
		servers = &s.AWS
	}
	f, err := fleet.Start(t.Context(), fleet.Config{
		AWS: servers, Mode: fleet.Three, Programs: programs, DataDir: filepath.Join(data, "data"), Flags: map[string]string{"log-level": "debug"},
		Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + o.url, "OTEL_LOGS_EXPORTER=otlp"},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		if err := f.Stop(); err != nil { // sends what is left
			t.Error(err)
		}
	}
	defer func() {
		stop()
		for _, p := range f.Programs() {
			o.outputs[p.Name] = p.Output()
		}
	}()

	w := &web{t: t, g: &target{url: f.URL}, root: "/Lohnliste"}
	contents := bytes.Repeat([]byte("geheimer-inhalt "), 1000)
	o.size = len(contents)
	trace := []string{"Traceparent", "00-" + traceID + "-" + parentID + "-01", "Authorization", "Bearer hf_credential"}
	o.upload = w.put("/Gehalt 2026.pdf", contents, trace...).want(http.StatusCreated)
	w.get("/Gehalt 2026.pdf").want(http.StatusOK).bytes(contents)
	w.get("/Gehalt 2027.pdf").want(http.StatusNotFound)
	w.put("/Gehalt 2026.pdf", contents, "If-None-Match", "*").want(http.StatusPreconditionFailed)
	w.put("/Gehalt 2026.pdf/Gehalt", contents).want(http.StatusConflict)
	w.put("/Gehalt%", contents, "Repr-Digest", digestOf(nil)).want(http.StatusBadRequest)
	w.post("/v1/spaces/default/files", `{"displayName":"Gehalt","kind":"FOLDER","folder":"spaces/default/files/Gehalt"}`).want(http.StatusNotFound)
	w.do(http.MethodGet, "/v1/spaces/default/files?filter=Gehalt", nil)
	return o
}

// TestTelemetry looks at what three processes export of one upload.
func TestTelemetry(t *testing.T) {
	o := observe(t, false)
	t.Run("trace", o.trace)
	t.Run("metrics", o.counts)
	t.Run("contract", o.contract)
	t.Run("logs", o.logs)
	t.Run("discretion", o.discretion)
}

// TestTelemetryOnAWS: there the trace goes on to the requests to S3 and
// DynamoDB, and is as discreet.
func TestTelemetryOnAWS(t *testing.T) {
	o := observe(t, true)
	ids := map[string]span{}
	for _, s := range o.spans {
		if s.trace == traceID {
			ids[s.id] = s
		}
	}
	got := map[string]bool{}
	for _, s := range ids {
		if cause := ids[s.parent]; s.kind == "client" && cause.kind == "server" && cause.service == s.service {
			got[s.service+" "+s.name+" for "+cause.name] = true
		}
	}
	for _, want := range []string{
		"storage S3 PUT for holdfast.storage.v1.ContentService/Upload",
		"metadata DynamoDB TransactWriteItems for holdfast.ledger.v1.LedgerService/Commit",
	} {
		if !got[want] {
			t.Errorf("%s is not among the spans: %v", want, got)
		}
	}
	t.Run("logs", o.logs)
	t.Run("discretion", o.discretion)
}

// trace: the upload is one trace, from the client's span to the records.
func (o *observed) trace(t *testing.T) {
	ids := map[string]string{parentID: "the client"}
	var ours []span
	for _, s := range o.spans {
		if s.trace == traceID {
			ids[s.id] = s.service + " " + s.kind + " " + s.name
			ours = append(ours, s)
		}
	}
	const (
		upload = "holdfast.storage.v1.ContentService/Upload"
		begin  = "holdfast.ledger.v1.LedgerService/Begin"
		commit = "holdfast.ledger.v1.LedgerService/Commit"
	)
	want := map[string]string{
		"gateway server PUT /v1/spaces/*/paths/**": "the client",
		"gateway client " + upload:                 "gateway server PUT /v1/spaces/*/paths/**",
		"storage server " + upload:                 "gateway client " + upload,
		"storage client " + begin:                  "storage server " + upload,
		"metadata server " + begin:                 "storage client " + begin,
		"storage client " + commit:                 "storage server " + upload,
		"metadata server " + commit:                "storage client " + commit,
	}
	got := map[string]string{}
	for _, s := range ours {
		got[ids[s.id]] = ids[s.parent]
	}
	for name, parent := range want {
		if got[name] != parent {
			t.Errorf("%s is caused by %q, want %q", name, got[name], parent)
		}
	}
	if len(ours) != len(want) {
		t.Errorf("the trace has %d spans, want %d: %v", len(ours), len(want), got)
	}
}

// counts: the metrics count what happened.
func (o *observed) counts(t *testing.T) {
	const paths = "/v1/spaces/*/paths/**"
	for name, want := range map[string]point{
		"gateway http.server.request.duration PUT " + paths + " 201":                    {count: 1},
		"gateway http.server.request.duration PUT " + paths + " 412":                    {count: 1},
		"gateway http.server.request.duration GET " + paths + " 200":                    {count: 1},
		"storage rpc.server.call.duration holdfast.storage.v1.ContentService/Upload OK": {count: 1},
		"metadata rpc.server.call.duration holdfast.ledger.v1.LedgerService/Commit OK":  {count: 1},
		"storage holdfast.transfer.bytes down":                                          {count: 1, sum: int64(o.size)},
		"storage holdfast.upload.inflight":                                              {count: 1},
		"storage holdfast.transfer.inflight_bytes":                                      {count: 1},
		"metadata holdfast.quota.refusals":                                              {count: 1},
		"metadata holdfast.audit.lost":                                                  {count: 1},
	} {
		if got := o.metrics[name]; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	// The upload that failed its digest was read as well.
	if got := o.metrics["storage holdfast.transfer.bytes up"].sum; got < int64(2*o.size) {
		t.Errorf("%d bytes came up, want two times %d at least", got, o.size)
	}
	if t.Failed() {
		for name, p := range o.metrics {
			t.Log(name, p)
		}
	}
}

// withIdentity is what is emitted only where callers are told apart, which they
// are not here.
const withIdentity = "holdfast.access.decisions"

// contract: the services emit exactly what dashboards and alarms may read.
func (o *observed) contract(t *testing.T) {
	root, err := fleet.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy", "contract", "metrics.go"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, match := range regexp.MustCompile(`= "([a-z_]+\.[a-z_.]+)"`).FindAllSubmatch(text, -1) {
		if name := string(match[1]); name != "service.name" && name != withIdentity {
			want = append(want, name)
		}
	}
	emitted := map[string]bool{}
	for name := range o.metrics {
		metric := strings.Fields(name)[1]
		if metric != "rpc.client.call.duration" { // the other side of what servers count
			emitted[metric] = true
		}
	}
	var got []string
	for name := range emitted {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("emitted are\n%v\nthe contract has\n%v", got, want)
	}
}

// logs: each line of a call names its request and its trace, here and as
// exported, and the lines of one request can be found by its id.
func (o *observed) logs(t *testing.T) {
	id := o.upload.header.Get("X-Request-Id")
	for service, output := range o.outputs {
		calls, ofUpload := 0, 0
		for line := range strings.Lines(output) {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Errorf("%s prints %q: %v", service, line, err)
				continue
			}
			probe := strings.Contains(fmt.Sprint(entry["method"]), "ReadinessService") || entry["route"] == "/readyz"
			if entry["msg"] != "call" && entry["msg"] != "request" || probe {
				continue
			}
			calls++
			if entry["request_id"] == nil || entry["trace_id"] == nil || entry["span_id"] == nil {
				t.Errorf("%s: a line without its ids: %s", service, line)
			}
			if entry["request_id"] == id {
				ofUpload++
				if entry["trace_id"] != traceID {
					t.Errorf("%s: the upload in another trace: %s", service, line)
				}
			}
		}
		if calls == 0 || ofUpload == 0 {
			t.Errorf("%s printed %d lines of calls, %d of the upload: %s", service, calls, ofUpload, output)
		}
	}
	exported := map[string]int{}
	for _, r := range o.records {
		if r.attributes["request_id"] == id {
			exported[r.service]++
			if r.trace != traceID {
				t.Errorf("%s exported %+v", r.service, r)
			}
		}
	}
	if len(exported) != 3 {
		t.Errorf("lines of the upload were exported by %v", exported)
	}
}

// discretion: no credential, name of a file or content is in any of it.
func (o *observed) discretion(t *testing.T) {
	all := map[string]string{"what is exported": o.raw.String()}
	for service, output := range o.outputs {
		all["the log of "+service] = output
	}
	for where, text := range all {
		for _, secret := range o.secrets {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s has %q: …%s…", where, secret, text[max(0, i-200):min(len(text), i+100)])
			}
		}
		if len(text) == 0 {
			t.Errorf("%s is empty", where)
		}
	}
}
