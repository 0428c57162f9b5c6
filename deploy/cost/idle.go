package cost

import (
	"fmt"
	"strconv"
	"strings"
)

// Resource is a resource of some template.
type Resource struct {
	ID         string // logical
	Type       string
	Properties map[string]any
}

// Item is one row of a bill, in USD a month.
type Item struct {
	What string
	USD  float64
}

// The rows of an idle month, in their order.
const (
	tasks     = "Fargate tasks, arm64"
	endpoints = "interface endpoints"
	balancers = "load balancers and their addresses"
	nat       = "NAT, where the issuer is asked for its keys"
	firewall  = "firewall"
	held      = "keys, secrets, canary, private zone"
	watched   = "metrics, alarms, dashboard, Container Insights"
)

var rows = []string{tasks, endpoints, balancers, nat, firewall, held, watched}

// Idle is what the resources cost in a month in which nobody calls. customs is
// how many metrics of their own the services emit.
func Idle(resources []Resource, customs int) []Item {
	b := bill{watched: float64(customs) * customMetric}
	for _, r := range resources {
		b.add(r, resources)
	}
	var items []Item
	for _, row := range rows {
		items = append(items, Item{row, b[row]})
	}
	return items
}

// bill is what has been added up, by row.
type bill map[string]float64

func (b bill) add(r Resource, all []Resource) {
	switch r.Type {
	case "AWS::ECS::Service":
		count := least(r, all)
		b[tasks] += count * hours * taskHour(r, all)
		b[watched] += count * taskInsights
	case "AWS::EC2::VPCEndpoint":
		if r.Properties["VpcEndpointType"] == "Interface" {
			b[endpoints] += length(r.Properties["SubnetIds"]) * endpointZone * hours
		}
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		b[balancers] += balancer * hours
		if r.Properties["Scheme"] == "internet-facing" {
			b[balancers] += length(r.Properties["Subnets"]) * address * hours
		}
	case "AWS::EC2::NatGateway":
		b[nat] += (natGateway + address) * hours
	case "AWS::WAFv2::WebACL":
		b[firewall] += webACL + length(r.Properties["Rules"])*webACLRule
	case "AWS::KMS::Key":
		b[held] += key
	case "AWS::SecretsManager::Secret":
		b[held] += secret * (1 + length(r.Properties["ReplicaRegions"]))
	case "AWS::Route53::HealthCheck":
		b[held] += healthCheck
	case "AWS::Route53::HostedZone":
		b[held] += hostedZone
	case "AWS::CloudWatch::Alarm":
		b[watched] += alarmMetric * max(1, metrics(r.Properties["Metrics"]))
	case "AWS::CloudWatch::Dashboard":
		b[watched] += dashboard
	case "AWS::CloudFront::MonitoringSubscription":
		b[watched] += edgeMetrics * customMetric
	case "AWS::S3::Bucket":
		b[watched] += bucketMetric * customMetric * length(r.Properties["MetricsConfigurations"])
	}
}

// least is how many tasks of a service there are at least: its own count where
// that is fixed, else the lower end of its scaling.
func least(service Resource, all []Resource) float64 {
	if count := service.Properties["DesiredCount"]; count != nil {
		return number(count)
	}
	for _, r := range all {
		if r.Type == "AWS::ApplicationAutoScaling::ScalableTarget" && strings.Contains(fmt.Sprint(r.Properties["ResourceId"]), "["+service.ID+" Name]") {
			return number(r.Properties["MinCapacity"])
		}
	}
	panic("cost: nothing says how many tasks of " + service.ID + " there are")
}

// taskHour is what a task of the service costs in an hour.
func taskHour(service Resource, all []Resource) float64 {
	definition, _ := service.Properties["TaskDefinition"].(map[string]any)
	share := 1.0
	for _, v := range list(service.Properties["CapacityProviderStrategy"]) {
		if v.(map[string]any)["CapacityProvider"] == "FARGATE_SPOT" {
			share = spotShare
		}
	}
	for _, r := range all {
		if r.Type == "AWS::ECS::TaskDefinition" && r.ID == definition["Ref"] {
			return share * (number(r.Properties["Cpu"])/1024*fargateVCPU + number(r.Properties["Memory"])/1024*fargateGiB)
		}
	}
	panic("cost: service " + service.ID + " runs nothing")
}

// metrics counts those an alarm reads, which is not every entry: some only
// calculate.
func metrics(v any) float64 {
	read := 0.0
	for _, m := range list(v) {
		if m.(map[string]any)["MetricStat"] != nil {
			read++
		}
	}
	return read
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}

func length(v any) float64 { return float64(len(list(v))) }

func number(v any) float64 {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		panic(fmt.Sprintf("cost: %v is no number", v))
	}
	return n
}
