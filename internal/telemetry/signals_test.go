package telemetry

import (
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

func TestSignals(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want signals
	}{
		"nothing":            {nil, signals{}},
		"one for all":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, signals{traces: true, metrics: true}},
		"and logs":           {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_LOGS_EXPORTER": "otlp"}, signals{traces: true, metrics: true, logs: true}},
		"logs elsewhere":     {map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "x"}, signals{logs: true}},
		"traces only":        {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}, signals{traces: true}},
		"no metrics":         {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_METRICS_EXPORTER": "none"}, signals{traces: true}},
		"exporter, no place": {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, signals{}},
		"disabled":           {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_SDK_DISABLED": "true"}, signals{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := signalsOf(func(k string) string { return tc.env[k] }); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestXRay(t *testing.T) {
	const root, parent = "Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8"
	for header, want := range map[string]string{
		root + ";" + parent + ";Sampled=1":                                "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8 01",
		"Self=1-67891234-12456789abcdef012345678;" + root + "; " + parent: "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8 00",
		parent + ";" + root + ";Sampled=?":                                "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8 00",
		root:                                                              "",
		parent:                                                            "",
		"":                                                                "",
		root + ";Parent=zz":                                               "",
		"Root=2-5759e988-bd862e3fe1be46a994272793;" + parent: "",
		"Root=1-5759e988;" + parent:                          "",
		"Root=1-5759e98-8bd862e3fe1be46a994272793;" + parent: "",
	} {
		carrier := propagation.MapCarrier{}
		carrier.Set(xrayHeader, header)
		got := ""
		if sc := trace.SpanContextFromContext(xray{}.Extract(t.Context(), carrier)); sc.IsValid() {
			got = sc.TraceID().String() + " " + sc.SpanID().String() + " " + sc.TraceFlags().String()
			if !sc.IsRemote() {
				t.Errorf("%q: not remote", header)
			}
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}
