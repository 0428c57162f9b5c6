package reach

import (
	"fmt"
	"maps"
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

func (m *mutator) set(what, key string, value any) {
	m.change(what, func(p map[string]any) { p[key] = value })
}

func (m *mutator) mutate() {
	switch m.resource.Type {
	case "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress":
		m.remove()
		m.rule()
	case "AWS::EC2::SecurityGroup":
		m.group()
	case "AWS::EC2::Route":
		m.remove()
		m.set("redirected to another table", "RouteTableId", map[string]any{"Ref": m.other("AWS::EC2::RouteTable", "RouteTableId")})
	case "AWS::EC2::RouteTable":
		m.add("a way to the internet", "AWS::EC2::Route", map[string]any{
			"RouteTableId": map[string]any{"Ref": m.logical}, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw",
		})
	case "AWS::EC2::SubnetRouteTableAssociation":
		m.remove()
		m.set("redirected to another table", "RouteTableId", map[string]any{"Ref": m.other("AWS::EC2::RouteTable", "RouteTableId")})
	case "AWS::EC2::VPCEndpoint":
		m.endpoint()
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		m.balancer()
	case "AWS::ElasticLoadBalancingV2::Listener":
		m.remove()
		m.set("moved to port 80", "Port", float64(80))
		m.set("without TLS", "Protocol", "HTTP")
		m.set("forwarding everything", "DefaultActions", []any{m.forward("")})
	case "AWS::ElasticLoadBalancingV2::ListenerRule":
		m.remove()
		m.set("without conditions", "Conditions", []any{})
		m.set("redirected to another target", "Actions", []any{m.forward(m.target())})
	case "AWS::ECS::Service":
		m.service()
	case "AWS::CloudFront::Distribution":
		m.distribution()
	case "AWS::Logs::ResourcePolicy":
		m.remove()
	}
	m.policies()
}

// other is a resource of the kind that the given property doesn't refer to.
func (m *mutator) other(kind, property string) string {
	current := fmt.Sprint(m.resource.Properties[property])
	resources := m.w.stacks[m.stack].resources
	for _, logical := range slices.Sorted(maps.Keys(resources)) {
		if resources[logical].Type == kind && logical != m.logical && !strings.Contains(current, logical) {
			return logical
		}
	}
	return "nothing"
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
