package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/contract"
)

// attributes of a load balancer or a target group.
func attributes(r resource, key string) map[string]string {
	all := map[string]string{}
	list, _ := r.Properties[key].([]any)
	for _, item := range list {
		all[fmt.Sprint(at(item, "Key"))] = fmt.Sprint(at(item, "Value"))
	}
	return all
}

// TestLoadBalancers is the rest of point 3.
func TestLoadBalancers(t *testing.T) {
	in := installations["prod"]
	for id, r := range in.of("AWS::ElasticLoadBalancingV2::LoadBalancer") {
		a := attributes(r, "LoadBalancerAttributes")
		idle := map[bool]string{true: "125", false: "4000"}[strings.Contains(id, "Public")]
		if a["idle_timeout.timeout_seconds"] != idle {
			t.Errorf("%s closes idle connections after %s s", id, a["idle_timeout.timeout_seconds"])
		}
		if a["routing.http.drop_invalid_header_fields.enabled"] != "true" {
			t.Errorf("%s: %v", id, a)
		}
		if a["access_logs.s3.enabled"] == "true" {
			t.Errorf("%s writes URLs to a bucket", id)
		}
	}
	for id, r := range in.of("AWS::ElasticLoadBalancingV2::Listener") {
		expect(t, id, r.Properties, map[string]any{
			"Protocol": "HTTPS", "Port": 443, "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
			"DefaultActions.0.Type": "fixed-response", "DefaultActions.0.FixedResponseConfig.StatusCode": "403",
		})
	}
	grpc := 0
	for id, r := range in.of("AWS::ElasticLoadBalancingV2::TargetGroup") {
		expect(t, id, r.Properties, map[string]any{"TargetType": "ip", "UnhealthyThresholdCount": 2})
		if r.Properties["ProtocolVersion"] == "GRPC" {
			grpc++
			// The readiness call, not the health service's: that answers OK
			// with "not serving" in the body, which no load balancer reads.
			expect(t, id, r.Properties, map[string]any{"HealthCheckPath": contract.GRPCReadyPath, "Matcher.GrpcCode": "0"})
		} else {
			expect(t, id, r.Properties, map[string]any{"HealthCheckPath": contract.GatewayReadyPath, "Matcher.HttpCode": "200"})
		}
		if delay := attributes(r, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"]; delay != "3600" {
			t.Errorf("%s lets requests end for %s s", id, delay)
		}
	}
	if grpc != 2 {
		t.Errorf("%d gRPC target groups", grpc)
	}
	if raw := string(in.stacks["compute"].raw); strings.Contains(raw, "/holdfast.ledger") {
		t.Error("a load balancer routes the ledger")
	}
}

// TestDrainingIsNoticed: a task that drains takes calls until no load balancer
// sends it any, even one that has asked just before; and asking is over when the
// next one comes.
func TestDrainingIsNoticed(t *testing.T) {
	for name, in := range installations {
		for id, r := range in.of("AWS::ElasticLoadBalancingV2::TargetGroup") {
			value := func(key string) int {
				n, ok := r.Properties[key].(float64)
				if !ok {
					t.Errorf("%s %s: no %s", name, id, key)
				}
				return int(n)
			}
			interval, failures := value("HealthCheckIntervalSeconds"), value("UnhealthyThresholdCount")
			if interval*failures >= contract.DrainDelaySeconds {
				t.Errorf("%s %s: a task drains for %d s before it takes no more calls, and is sent some for %d × %d s",
					name, id, contract.DrainDelaySeconds, failures, interval)
			}
			if timeout := value("HealthCheckTimeoutSeconds"); timeout >= interval {
				t.Errorf("%s %s: asked every %d s, with %d s to answer", name, id, interval, timeout)
			}
		}
	}
}

// least is how many tasks there are of a service at least: its own count, or
// the lower end of its scaling. A service that scales has no count: with each
// deployment it would be put back to it.
func (in installation) least(t *testing.T, id string) int {
	t.Helper()
	counts := []any{at(in.of("AWS::ECS::Service")[id].Properties, "DesiredCount")}
	for _, target := range in.of("AWS::ApplicationAutoScaling::ScalableTarget") {
		if of := at(target.Properties, "ResourceId", "Fn::Join", 1, 3, "Fn::GetAtt", 0); of == strings.TrimPrefix(id, "compute/") {
			counts = append(counts, target.Properties["MinCapacity"])
		}
	}
	counts = slices.DeleteFunc(counts, func(count any) bool { return count == nil })
	if len(counts) != 1 {
		t.Fatalf("%s has the counts %v", id, counts)
	}
	return int(counts[0].(float64))
}

// TestServices is point 4.
func TestServices(t *testing.T) {
	for name, least := range map[string]int{"prod": 2, "dev": 1} {
		in := installations[name]
		services := in.of("AWS::ECS::Service")
		if len(services) != 3 {
			t.Fatalf("%s: %d services", name, len(services))
		}
		for id, r := range services {
			if count := in.least(t, id); count < least {
				t.Errorf("%s %s: %v tasks", name, id, count)
			}
			// Else the providers would be taken from the cluster while its tasks use them.
			if !in.stacks["compute"].waits(r, "AWS::ECS::ClusterCapacityProviderAssociations") {
				t.Errorf("%s %s doesn't depend on its capacity providers", name, id)
			}
			subnets, _ := at(r.Properties, "NetworkConfiguration", "AwsvpcConfiguration", "Subnets").([]any)
			if len(subnets) < 2 {
				t.Errorf("%s %s: %d subnets", name, id, len(subnets))
			}
			expect(t, name+" "+id, r.Properties, map[string]any{
				"NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp":   "DISABLED",
				"DeploymentConfiguration.DeploymentCircuitBreaker.Enable":   true,
				"DeploymentConfiguration.DeploymentCircuitBreaker.Rollback": true,
				"DeploymentConfiguration.MinimumHealthyPercent":             100,
				"EnableExecuteCommand":                                      nil,
				"ServiceConnectConfiguration":                               nil, // would cut streams after 15 s
			})
		}
		for id, r := range in.of("AWS::ECS::TaskDefinition") {
			expect(t, name+" "+id, r.Properties, map[string]any{
				"RuntimePlatform.CpuArchitecture": "ARM64", "NetworkMode": "awsvpc", "Volumes": nil,
			})
			containers, _ := r.Properties["ContainerDefinitions"].([]any)
			for _, c := range containers {
				expect(t, name+" "+id, c, map[string]any{"ReadonlyRootFilesystem": true, "User": "65532:65532", "Privileged": nil})
				if at(c, "HealthCheck") == nil {
					t.Errorf("%s %s: %v has no health check", name, id, at(c, "Name"))
				}
			}
			expect(t, name+" "+id, containers[0], map[string]any{"Essential": true, "StopTimeout": contract.StopSeconds})
			expect(t, name+" "+id, containers[1], map[string]any{"Essential": false, "RestartPolicy.Enabled": true, "Name": "collector"})
		}
	}
	if contract.DrainDelaySeconds+contract.DrainSeconds >= contract.StopSeconds {
		t.Error("tasks are killed before they have drained")
	}
}

// TestScaling: each service follows what limits it, storage the bytes it holds.
func TestScaling(t *testing.T) {
	in := installations["prod"]
	if n := len(in.of("AWS::ApplicationAutoScaling::ScalableTarget")); n != 3 {
		t.Errorf("%d services scale", n)
	}
	custom := 0
	for id, r := range in.of("AWS::ApplicationAutoScaling::ScalingPolicy") {
		metric := at(r.Properties, "TargetTrackingScalingPolicyConfiguration", "CustomizedMetricSpecification")
		if metric == nil {
			continue
		}
		custom++
		// Where storage scales is within what it may hold at all.
		if target := at(r.Properties, "TargetTrackingScalingPolicyConfiguration", "TargetValue").(float64); target > 0.8*float64(in.cfg.Services.UploadMemoryMiB<<20) {
			t.Errorf("%s: %v bytes in flight are never reached", id, target)
		}
		expect(t, id, metric, map[string]any{
			"Namespace": contract.Namespace, "MetricName": contract.InflightBytes, "Statistic": "Average",
			"Dimensions.0.Value": "storage", "Dimensions.1.Value": "prod",
		})
	}
	if custom != 1 {
		t.Errorf("%d policies follow a metric of ours", custom)
	}
}

// TestRolesTouchOnlyTheirStore reads the roles themselves, besides what the
// prover derives from them.
func TestRolesTouchOnlyTheirStore(t *testing.T) {
	may := map[string][]string{
		"StorageTaskRole": {"s3", "kms", "logs", "xray"}, "MetadataTaskRole": {"dynamodb", "kms", "logs", "xray"}, "GatewayTaskRole": {"logs", "xray"},
	}
	for id, r := range installations["prod"].of("AWS::IAM::Role") {
		for role, services := range may {
			if !strings.Contains(id, role) {
				continue
			}
			walk(r.Properties["Policies"], func(m map[string]any) {
				actions, _ := m["Action"].([]any)
				for _, action := range actions {
					service, call, _ := strings.Cut(action.(string), ":")
					if !slices.Contains(services, service) || strings.Contains(call, "*") {
						t.Errorf("%s may %s", role, action)
					}
				}
			})
		}
	}
}

// TestBuiltImages: with a source directory, images are assets for arm64, and
// their tasks may pull from the bootstrap repository.
func TestBuiltImages(t *testing.T) {
	in := installations["built"]
	for id, r := range in.of("AWS::ECS::TaskDefinition") {
		for _, c := range r.Properties["ContainerDefinitions"].([]any) {
			if image := fmt.Sprint(at(c, "Image")); !strings.Contains(image, "container-assets") {
				t.Errorf("%s: %v runs %s", id, at(c, "Name"), image)
			}
		}
	}
}
