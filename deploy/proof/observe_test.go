package proof

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/holdfast-files/holdfast/deploy/compute"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// TestLogs is point 6, the logs: encrypted, kept as long as configured, and
// without what identifies a file or a share in a URL.
func TestLogs(t *testing.T) {
	const backlog = 25
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("beyond %d MiB that wait to be sent", backlog); !strings.Contains(string(page), said) {
		t.Errorf("README.md doesn't say that lines %s are lost", said)
	}
	for name, in := range installations {
		groups := in.of("AWS::Logs::LogGroup")
		for id, r := range groups {
			if r.Properties["KmsKeyId"] == nil {
				t.Errorf("%s %s is not encrypted", name, id)
			}
			expect(t, name+" "+id, r.Properties, map[string]any{"RetentionInDays": in.cfg.LogDays})
		}
		types := map[string]int{}
		for _, r := range in.of("AWS::Logs::DeliverySource") {
			types[fmt.Sprint(r.Properties["LogType"])]++
		}
		balancers := len(in.of("AWS::ElasticLoadBalancingV2::LoadBalancer"))
		want := map[string]int{"ACCESS_LOGS": 1, "S3_SERVER_ACCESS_LOGS": 1, "ALB_CONNECTION_LOGS": balancers}
		if fmt.Sprint(types) != fmt.Sprint(want) {
			t.Errorf("%s delivers %v, want %v", name, types, want)
		}
		for id, r := range in.of("AWS::ECS::TaskDefinition") {
			for _, c := range r.Properties["ContainerDefinitions"].([]any) {
				// A log that can't be delivered stops nobody, and what may be missing
				// of it then is what README says, not the driver's own megabyte.
				expect(t, name+" "+id, c, map[string]any{
					"LogConfiguration.LogDriver": "awslogs", "LogConfiguration.Options.mode": "non-blocking",
					"LogConfiguration.Options.max-buffer-size": fmt.Sprintf("%db", backlog<<20),
				})
			}
		}
		if len(in.of("AWS::EC2::FlowLog")) != 1 {
			t.Errorf("%s has no flow log", name)
		}
	}
}

func TestEdgeLogsNameNoFile(t *testing.T) {
	in := installations["prod"]
	for id, r := range in.of("AWS::Logs::Delivery") {
		if !strings.HasPrefix(id, "edge/") {
			continue
		}
		fields, _ := r.Properties["RecordFields"].([]any)
		if len(fields) == 0 {
			t.Fatalf("%s records everything", id)
		}
		for _, field := range fields {
			if regexp.MustCompile(`uri|query|Referer|Cookie`).MatchString(field.(string)) {
				t.Errorf("%s records %s", id, field)
			}
		}
	}
	var redacted []string
	fields, _ := in.one(t, "AWS::WAFv2::LoggingConfiguration").Properties["RedactedFields"].([]any)
	for _, field := range fields {
		for kind, v := range field.(map[string]any) {
			redacted = append(redacted, strings.TrimSuffix(kind+" "+fmt.Sprint(at(v, "Name")), " <nil>"))
		}
	}
	slices.Sort(redacted)
	want := []string{
		"QueryString", "SingleHeader authorization", "SingleHeader content-disposition", "SingleHeader cookie",
		"SingleHeader idempotency-key", "SingleHeader referer", "SingleHeader upload-metadata", "UriPath",
	}
	if !slices.Equal(redacted, want) {
		t.Errorf("the firewall's log leaves out %v, want %v", redacted, want)
	}
}

// metricsUsed are the metrics of ours that dashboard, alarms and scaling read.
func (in installation) metricsUsed(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, kind := range []string{"AWS::CloudWatch::Alarm", "AWS::ApplicationAutoScaling::ScalingPolicy"} {
		for _, r := range in.of(kind) {
			walk(r.Properties, func(m map[string]any) {
				if m["Namespace"] == contract.Namespace {
					used[m["MetricName"].(string)] = true
				}
			})
		}
	}
	for _, metric := range dashboard(t, in) {
		if metric[0] == contract.Namespace {
			used[fmt.Sprint(metric[1])] = true
		}
	}
	return used
}

// dashboard is every metric of the dashboard, as CloudWatch lists them.
func dashboard(t *testing.T, in installation) [][]any {
	t.Helper()
	var text strings.Builder
	for _, part := range at(in.one(t, "AWS::CloudWatch::Dashboard").Properties["DashboardBody"], "Fn::Join", 1).([]any) {
		if s, ok := part.(string); ok {
			text.WriteString(s)
		} else {
			text.WriteString("reference")
		}
	}
	var body struct {
		Widgets []struct {
			Properties struct {
				Metrics [][]any `json:"metrics"`
			} `json:"properties"`
		} `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(text.String()), &body); err != nil {
		t.Fatal(err)
	}
	var all [][]any
	for _, w := range body.Widgets {
		all = append(all, w.Properties.Metrics...)
	}
	return all
}

// TestMetricsAreEmitted: nothing is drawn or watched that the services don't
// emit, and everything they emit reaches CloudWatch.
func TestMetricsAreEmitted(t *testing.T) {
	for name, in := range installations {
		used := in.metricsUsed(t)
		for metric := range used {
			if !slices.Contains(contract.Metrics, metric) {
				t.Errorf("%s reads %s, which no service emits", name, metric)
			}
		}
		if len(used) < 8 {
			t.Errorf("%s reads only %d metrics of ours", name, len(used))
		}
	}
	declared := at(collector(t), "exporters", "awsemf", "metric_declarations", 0)
	for _, metric := range contract.Metrics {
		matching := 0
		for _, selector := range at(declared, "metric_name_selectors").([]any) {
			if regexp.MustCompile(selector.(string)).MatchString(metric) {
				matching++
			}
		}
		if matching != 1 {
			t.Errorf("%d selectors of the collector match %s", matching, metric)
		}
	}
	if n := len(at(declared, "metric_name_selectors").([]any)); n != len(contract.Metrics) {
		t.Errorf("the collector selects %d metrics, the services emit %d", n, len(contract.Metrics))
	}
}

// TestDashboardReadsFromEdgeToData: each step of a request is on it.
func TestDashboardReadsFromEdgeToData(t *testing.T) {
	var namespaces []string
	for _, metric := range dashboard(t, installations["prod"]) {
		text := fmt.Sprint(metric[0])
		if options, ok := metric[0].(map[string]any); ok {
			text = fmt.Sprint(options["expression"])
		}
		namespaces = append(namespaces, text)
	}
	for _, want := range []string{"AWS/CloudFront", "AWS/WAFV2", "AWS/ApplicationELB", "AWS/ECS", contract.Namespace, "AWS/DynamoDB", "AWS/S3"} {
		if !slices.ContainsFunc(namespaces, func(have string) bool { return strings.Contains(have, want) }) {
			t.Errorf("nothing of %s", want)
		}
	}
}

// TestAlarms: what users notice is watched, each alarm tells somebody and says
// what it means.
func TestAlarms(t *testing.T) {
	in := installations["prod"]
	alarms := in.of("AWS::CloudWatch::Alarm")
	watched := map[string]bool{}
	for id, r := range alarms {
		walk(r.Properties, func(m map[string]any) {
			if m["MetricName"] != nil {
				watched[fmt.Sprint(m["Namespace"], " ", m["MetricName"])] = true
			}
		})
		if at(r.Properties, "AlarmActions", 0) == nil {
			t.Errorf("%s tells nobody", id)
		}
		if description, _ := r.Properties["AlarmDescription"].(string); len(description) < 30 {
			t.Errorf("%s says only %q", id, description)
		}
	}
	for _, want := range []string{
		"AWS/Route53 HealthCheckStatus", "AWS/CloudFront 5xxErrorRate", "AWS/CloudFront OriginLatency", "AWS/CloudFront Requests",
		"AWS/ApplicationELB HTTPCode_Target_5XX_Count", "AWS/ApplicationELB TargetResponseTime", "AWS/ApplicationELB HealthyHostCount",
		"AWS/ECS CPUUtilization", "AWS/ECS MemoryUtilization", "ECS/ContainerInsights RunningTaskCount",
		"AWS/DynamoDB ReadThrottleEvents", "AWS/DynamoDB WriteThrottleEvents", "AWS/DynamoDB ConsumedWriteCapacityUnits", "AWS/S3 5xxErrors",
		"Holdfast " + contract.SweeperOldest, "Holdfast " + contract.SweeperBacklog, "Holdfast " + contract.InflightBytes,
	} {
		if !watched[want] {
			t.Errorf("nobody watches %s", want)
		}
	}
	if len(in.of("AWS::Budgets::Budget")) != 1 {
		t.Error("no budget")
	}
}

// TestCanaryIsLetIn: the canary is asked from where CloudFront lets Route 53's
// checkers in, or isn't there, and nor is its alarm; synthesis says so.
func TestCanaryIsLetIn(t *testing.T) {
	for name, want := range map[string]any{"prod": nil, "american": "[us-east-1 us-west-1 us-west-2]"} {
		in := installations[name]
		expect(t, name, in.one(t, "AWS::Route53::HealthCheck").Properties, map[string]any{"HealthCheckConfig.Regions": want})
		if !strings.Contains(string(in.stacks["edge"].raw), "HealthCheckStatus") {
			t.Errorf("%s: nobody hears of the canary", name)
		}
	}
	in := installations["german"]
	expect(t, "distribution", in.one(t, "AWS::CloudFront::Distribution").Properties, map[string]any{
		"DistributionConfig.Restrictions.GeoRestriction.Locations": "[DE IE]",
	})
	if n := len(in.of("AWS::Route53::HealthCheck")); n != 0 || strings.Contains(string(in.stacks["edge"].raw), "AWS/Route53") {
		t.Errorf("%d canaries that CloudFront refuses, or an alarm for one", n)
	}
	said, err := os.ReadFile(filepath.Join(in.dir, "holdfast-prod-edge.metadata.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), "No canary") {
		t.Error("synthesis doesn't say that nobody asks from outside")
	}
}

func collector(t *testing.T) map[string]any {
	t.Helper()
	var settings map[string]any
	if err := yaml.Unmarshal([]byte(compute.CollectorConfig), &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// collectorKeys are settings of the collector's parts as of v0.156, which
// v0.49 of AWS's distribution is built from. The collector refuses to start on
// any other.
var collectorKeys = map[string]string{
	"health_check":      "endpoint path",
	"otlp":              "protocols",
	"memory_limiter":    "check_interval limit_mib spike_limit_mib limit_percentage spike_limit_percentage",
	"attributes":        "actions include exclude",
	"resourcedetection": "detectors override timeout refresh_interval",
	"batch":             "timeout send_batch_size send_batch_max_size",
	"awsxray":           "region endpoint role_arn indexed_attributes index_all_attributes aws_log_groups telemetry",
	"awsemf": "region endpoint role_arn namespace log_group_name log_stream_name log_retention tags dimension_rollup_option metric_declarations " +
		"metric_descriptors resource_to_telemetry_conversion retain_initial_value_of_delta_metric parse_json_encoded_attr_values detailed_metrics version",
}

// TestCollector parses the collector's configuration and follows its
// pipelines: every part a pipeline names is configured, every part configured
// is used, and it listens where the services send.
func TestCollector(t *testing.T) {
	settings := collector(t)
	for section := range settings {
		if !slices.Contains([]string{"extensions", "receivers", "processors", "exporters", "service"}, section) {
			t.Errorf("the collector knows no section %s", section)
		}
	}
	used := map[string]bool{}
	use := func(section string, names any) {
		for _, name := range names.([]any) {
			used[section+"/"+name.(string)] = true
			if at(settings, section, name.(string)) == nil {
				t.Errorf("%s names %v, which isn't configured", section, name)
			}
		}
	}
	use("extensions", at(settings, "service", "extensions"))
	for _, pipeline := range at(settings, "service", "pipelines").(map[string]any) {
		for _, section := range []string{"receivers", "processors", "exporters"} {
			use(section, at(pipeline, section))
		}
		if first := at(pipeline, "processors", 0); first != "memory_limiter" {
			t.Errorf("%v is before the memory limiter", first)
		}
	}
	for _, section := range []string{"extensions", "receivers", "processors", "exporters"} {
		for name := range settings[section].(map[string]any) {
			if !used[section+"/"+name] {
				t.Errorf("%s/%s is used by no pipeline", section, name)
			}
		}
	}
	for section, components := range settings {
		if section == "service" {
			continue
		}
		for name, component := range components.(map[string]any) {
			kind, _, _ := strings.Cut(name, "/")
			for key := range component.(map[string]any) {
				if !slices.Contains(strings.Fields(collectorKeys[kind]), key) {
					t.Errorf("%s of the collector has no setting %s", name, key)
				}
			}
		}
	}
	endpoint := at(settings, "receivers", "otlp", "protocols", "grpc", "endpoint")
	if want := strings.TrimPrefix(contract.TelemetryEndpoint, "http://"); endpoint != want {
		t.Errorf("the collector listens at %v, services send to %s", endpoint, want)
	}
	deleted := map[string]bool{}
	for _, action := range at(settings, "processors", "attributes/names", "actions").([]any) {
		deleted[fmt.Sprint(at(action, "key"), " ", at(action, "action"))] = true
	}
	for _, attribute := range []string{"url.path", "url.query", "url.full", "http.url", "http.target"} {
		if !deleted[attribute+" delete"] {
			t.Errorf("traces keep %s", attribute)
		}
	}
	if rollup := at(settings, "exporters", "awsemf", "dimension_rollup_option"); rollup != "NoDimensionRollup" {
		t.Errorf("metrics are rolled up, and paid for, by %v", rollup)
	}
}
