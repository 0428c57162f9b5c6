package cost

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestIdle(t *testing.T) {
	service := func(count float64, provider string) Resource {
		return Resource{"Service", "AWS::ECS::Service", map[string]any{
			"DesiredCount": count, "TaskDefinition": map[string]any{"Ref": "Task"},
			"CapacityProviderStrategy": []any{map[string]any{"CapacityProvider": provider}},
		}}
	}
	scaling := func(least float64, of string) Resource {
		return Resource{"Target", "AWS::ApplicationAutoScaling::ScalableTarget", map[string]any{
			"MinCapacity": least, "ResourceId": map[string]any{"Fn::Join": []any{"", []any{"service/", map[string]any{"Fn::GetAtt": []any{of, "Name"}}}}},
		}}
	}
	others := []Resource{scaling(9, "OtherService"), scaling(4, "Service"), scaling(9, "ServiceOther")}
	scaled := service(0, "FARGATE")
	delete(scaled.Properties, "DesiredCount")
	task := Resource{"Task", "AWS::ECS::TaskDefinition", map[string]any{"Cpu": "1024", "Memory": "2048"}}
	tests := []struct {
		resource Resource
		row      string
		usd      float64
	}{
		{service(2, "FARGATE"), tasks, 2 * 730 * (0.03238 + 2*0.00356)},
		{service(1, "FARGATE_SPOT"), tasks, 0.35 * 730 * (0.03238 + 2*0.00356)},
		{service(3, "FARGATE"), watched, 3 * 2.1},
		{scaled, tasks, 4 * 730 * (0.03238 + 2*0.00356)},
		{scaled, watched, 4 * 2.1},
		{Resource{"", "AWS::EC2::VPCEndpoint", map[string]any{"VpcEndpointType": "Interface", "SubnetIds": []any{"a", "b"}}}, endpoints, 14.6},
		{Resource{"", "AWS::EC2::VPCEndpoint", map[string]any{"VpcEndpointType": "Gateway"}}, endpoints, 0},
		{Resource{"", "AWS::ElasticLoadBalancingV2::LoadBalancer", map[string]any{"Scheme": "internal", "Subnets": []any{"a", "b"}}}, balancers, 16.425},
		{Resource{"", "AWS::ElasticLoadBalancingV2::LoadBalancer", map[string]any{"Scheme": "internet-facing", "Subnets": []any{"a", "b"}}}, balancers, 23.725},
		{Resource{"", "AWS::EC2::NatGateway", nil}, nat, 36.5},
		{Resource{"", "AWS::WAFv2::WebACL", map[string]any{"Rules": []any{1, 2, 3}}}, firewall, 8},
		{Resource{"", "AWS::SecretsManager::Secret", map[string]any{"ReplicaRegions": []any{1}}}, held, 0.8},
		{Resource{"", "AWS::CloudWatch::Alarm", map[string]any{"Metrics": []any{
			map[string]any{"MetricStat": 1}, map[string]any{"MetricStat": 1}, map[string]any{"Expression": 1},
		}}}, watched, 0.2},
		{Resource{"", "AWS::CloudWatch::Alarm", nil}, watched, 0.1},
		{Resource{"", "AWS::SSM::Parameter", nil}, held, 0},
	}
	for _, test := range tests {
		for _, item := range Idle(append(others, task, test.resource), 0) {
			if item.What == test.row && math.Abs(item.USD-test.usd) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", test.resource.Type, item.What, item.USD, test.usd)
			}
		}
	}
}

func TestOfMillion(t *testing.T) {
	m := Call{Reads: 3, Writes: 9, Puts: 1, Gets: 2, Services: 3}.OfMillion(0.5)
	want := Million{Table: 6, Blobs: 5.8, Edge: 1.6, Records: 0.95 + 2.5}
	if math.Abs(m.Together()-want.Together()) > 1e-9 || math.Abs(m.Records-want.Records) > 1e-9 {
		t.Errorf("%+v, want %+v", m, want)
	}
}

func TestTables(t *testing.T) {
	got := IdleTable([]string{"a", "b"}, [][]Item{{{"x", 1.4}, {"y", 0}}, {{"x", 2}, {"y", 3}}})
	want := "| idle, USD a month | a | b |\n|---|---:|---:|\n| x | 1 | 2 |\n| y | | 3 |\n| **together** | **1** | **5** |\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if lines := strings.Count(CallsTable(1, 0.05), "\n"); lines != 2+len(Calls) {
		t.Errorf("%d lines", lines)
	}
}

// TestCallsAreCounted: what this page prices is what tests of the services
// count, as the README of all has it.
func TestCallsAreCounted(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string][]string{} // cells, by operation
	for _, line := range strings.Split(string(raw), "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 6 {
			counted[strings.TrimPrefix(cells[0], "| ")] = cells[1:]
		}
	}
	for what, operation := range map[string]string{
		"small uploads": "upload 4 KiB, a new file", "small downloads": "download 4 KiB by path", "pages of 100 entries": "list a page of 100",
	} {
		at := slices.IndexFunc(Calls, func(c Call) bool { return strings.HasPrefix(c.What, what) })
		if at < 0 || counted[operation] == nil {
			t.Errorf("%s are priced: %v; %s is counted: %v", what, at >= 0, operation, counted[operation])
			continue
		}
		var calls, reads, writes float64
		cells, c := counted[operation], Calls[at]
		if _, err := fmt.Sscanf(cells[0]+" "+cells[1], "%f (%f) %f (%f)", &calls, &reads, &calls, &writes); err != nil {
			t.Fatalf("%s: %v: %v", operation, cells, err)
		}
		if !strings.Contains(c.What, fmt.Sprintf("(%v read", reads)) {
			t.Errorf("%s takes %v reads", c.What, reads)
		}
		if c.Reads != reads || c.Writes != writes || fmt.Sprint(c.Puts) != cells[2] || fmt.Sprint(c.Gets) != cells[3] {
			t.Errorf("%s take %+v; counted are %v", what, c, cells)
		}
		if usd := fmt.Sprintf("%.2f |", (c.OfMillion(0).Table + c.OfMillion(0).Blobs)); usd != cells[4] {
			t.Errorf("a million of %s is %s, and %s in the README of all", what, usd, cells[4])
		}
	}
}

// TestPricesHaveOneDate: this page, and the README's price of each operation,
// which is computed from counted calls, are of the same list.
func TestPricesHaveOneDate(t *testing.T) {
	for file, want := range map[string][]string{
		"../README.md": {"of " + Taken},
		"../../test/cost/price.go": {
			Taken + `"`, fmt.Sprintf("readUnitPerMillion  = %.3f ", readUnits), fmt.Sprintf("writeUnitPerMillion = %.3f ", writeUnits),
			fmt.Sprintf("putPerMillion       = %.2f ", blobPut), fmt.Sprintf("getPerMillion       = %.2f ", blobGet),
		},
	} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(raw), text) {
				t.Errorf("%s has no %q", file, text)
			}
		}
	}
}
