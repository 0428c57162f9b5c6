package reach

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Mutant is the world with one thing changed that bears on who reaches what.
type Mutant struct {
	Name  string // network/GatewayToMetadata9081In: widened to all ports
	World World
}

// Mutants are the world with each rule, route, policy statement, listener and
// placement removed, widened or redirected, one at a time.
func (w World) Mutants() []Mutant {
	var all []Mutant
	for _, name := range slices.Sorted(maps.Keys(w.stacks)) {
		s := w.stacks[name]
		for _, logical := range slices.Sorted(maps.Keys(s.resources)) {
			m := mutator{w: w, stack: name, logical: logical, id: s.ids[logical], resource: s.resources[logical]}
			m.mutate()
			all = append(all, m.found...)
		}
	}
	return all
}

// mutator makes the mutants of one resource.
type mutator struct {
	w              World
	stack, logical string
	id             string
	resource       resource
	found          []Mutant
}

// change adds a mutant in which f has changed a copy of the properties.
func (m *mutator) change(what string, f func(p map[string]any)) {
	copied := clone(m.resource.Properties).(map[string]any)
	f(copied)
	m.found = append(m.found, Mutant{
		Name:  m.id + ": " + what,
		World: m.w.with(m.stack, m.logical, &resource{m.resource.Type, copied}),
	})
}

func (m *mutator) remove() {
	m.found = append(m.found, Mutant{Name: m.id + ": removed", World: m.w.with(m.stack, m.logical, nil)})
}

// set makes a mutant with another value for a property, unless it has it.
func (m *mutator) set(what, key string, value any) {
	if reflect.DeepEqual(m.resource.Properties[key], value) {
		return
	}
	m.change(what, func(p map[string]any) { p[key] = value })
}

func (m *mutator) mutate() {
	switch m.resource.Type {
	case "AWS::EC2::VPC":
		m.set("widened", "CidrBlock", "10.0.0.0/8")
	case "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress":
		m.remove()
		m.rule()
	case "AWS::EC2::SecurityGroup":
		m.group()
	case "AWS::EC2::Route":
		m.remove()
		m.reroute()
		m.set("widened to the world", "DestinationCidrBlock", "0.0.0.0/0")
		m.change("redirected to a peer", func(p map[string]any) {
			delete(p, "GatewayId")
			delete(p, "NatGatewayId")
			p["VpcPeeringConnectionId"] = "peer"
		})
	case "AWS::EC2::RouteTable":
		m.ways()
	case "AWS::EC2::SubnetRouteTableAssociation":
		m.remove()
		m.reroute()
	case "AWS::EC2::VPCEndpoint":
		m.endpoint()
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		m.balancer()
	case "AWS::ElasticLoadBalancingV2::Listener":
		m.listener()
	case "AWS::ElasticLoadBalancingV2::ListenerRule":
		m.forwarding()
	case "AWS::ElasticLoadBalancingV2::TargetGroup":
		m.set("with an address of its own", "Targets", []any{map[string]any{"Id": "10.64.200.200", "Port": float64(22)}})
		m.set("over another protocol", "Protocol", "HTTPS")
	case "AWS::ECS::Service":
		m.service()
	case "AWS::ECS::TaskDefinition":
		m.task()
	case "AWS::CloudFront::Distribution":
		m.distribution()
	case "AWS::Route53::RecordSet":
		m.remove()
		m.set("redirected", "AliasTarget", map[string]any{"DNSName": "elsewhere.example.net"})
	case "AWS::SSM::Parameter":
		m.handoff()
	case "AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::SecretsManager::Secret":
		m.store()
	case "AWS::IAM::Role":
		m.set("with a policy of AWS", "ManagedPolicyArns", []any{"arn:aws:iam::aws:policy/AdministratorAccess"})
	case "AWS::Logs::ResourcePolicy":
		m.remove()
		m.set("widened to everything", "PolicyDocument",
			`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"logs:*","Resource":"*"}]}`)
	}
	m.policies()
}

// reroute points at each other route table of the stack.
func (m *mutator) reroute() {
	current := fmt.Sprint(m.resource.Properties["RouteTableId"])
	resources := m.w.stacks[m.stack].resources
	for _, logical := range slices.Sorted(maps.Keys(resources)) {
		if resources[logical].Type == "AWS::EC2::RouteTable" && !strings.Contains(current, logical) {
			m.change("redirected to "+logical, func(p map[string]any) { p["RouteTableId"] = map[string]any{"Ref": logical} })
		}
	}
}

// add makes a mutant with a resource more.
func (m *mutator) add(what, kind string, p map[string]any) {
	m.found = append(m.found, Mutant{
		Name:  m.id + ": " + what,
		World: m.w.with(m.stack, m.logical+"Mutant", &resource{kind, p}),
	})
}

// clone copies a JSON value.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, item := range v {
			copied[key] = clone(item)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, item := range v {
			copied[i] = clone(item)
		}
		return copied
	default:
		return v
	}
}
