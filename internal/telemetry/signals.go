package telemetry

// signals tells what is exported.
type signals struct{ traces, metrics, logs bool }

// signalsOf reads the variables of the OpenTelemetry specification. A signal is
// on when it has an endpoint, or all have one, and its exporter is not "none".
// Logs go to the standard output anyhow, so they also have to be asked for, by
// an endpoint of their own or by OTEL_LOGS_EXPORTER=otlp.
func signalsOf(getenv func(string) string) signals {
	if getenv("OTEL_SDK_DISABLED") == "true" {
		return signals{}
	}
	on := func(signal, exporter string) bool {
		endpoint := getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
		if own := getenv("OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT"); own != "" {
			endpoint, exporter = own, "otlp"
		}
		if named := getenv("OTEL_" + signal + "_EXPORTER"); named != "" {
			exporter = named
		}
		return endpoint != "" && exporter == "otlp"
	}
	return signals{traces: on("TRACES", "otlp"), metrics: on("METRICS", "otlp"), logs: on("LOGS", "none")}
}
