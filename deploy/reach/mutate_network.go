package reach

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rule changes one rule of a security group.
func (m *mutator) rule() {
	m.change("widened to all ports", func(p map[string]any) { p["FromPort"], p["ToPort"] = float64(0), float64(65535) })
	m.change("widened to all protocols", func(p map[string]any) { p["IpProtocol"] = "-1" })
	m.change("redirected to another port", func(p map[string]any) { p["FromPort"], p["ToPort"] = float64(22), float64(22) })
	peers := []string{
		"SourceSecurityGroupId", "DestinationSecurityGroupId", "SourcePrefixListId", "DestinationPrefixListId", "CidrIp", "CidrIpv6",
	}
	opened := func(block string) func(map[string]any) {
		return func(p map[string]any) {
			for _, key := range peers {
				delete(p, key)
			}
			p["CidrIp"] = block
		}
	}
	m.change("widened to the world", opened("0.0.0.0/0"))
	m.change("widened to half of it", opened("128.0.0.0/1"))
	m.w.each("AWS::EC2::VPC", func(_ *stack, _ string, p properties) { m.change("widened to the VPC", opened(p.text("CidrBlock"))) })
	for _, list := range slices.Sorted(maps.Keys(m.w.names)) {
		key := strings.TrimPrefix(m.resource.Type, "AWS::EC2::SecurityGroup")
		key = map[string]string{"Ingress": "SourcePrefixListId", "Egress": "DestinationPrefixListId"}[key]
		if m.resource.Properties[key] == list {
			continue
		}
		m.change("redirected to "+m.w.names[list], func(p map[string]any) {
			for _, peer := range peers {
				delete(p, peer)
			}
			p[key] = list
		})
	}
	for _, group := range m.groups() {
		m.change("redirected to "+group, func(p map[string]any) {
			key := "SourceSecurityGroupId"
			if _, outward := p["DestinationSecurityGroupId"]; outward || m.resource.Type == "AWS::EC2::SecurityGroupEgress" {
				key = "DestinationSecurityGroupId"
			}
			for _, peer := range peers {
				delete(p, peer)
			}
			p[key] = map[string]any{"Fn::GetAtt": []any{group, "GroupId"}}
		})
	}
}

// groups are the logical ids of the stack's groups that the rule doesn't name.
func (m *mutator) groups() []string {
	var all []string
	s := m.w.stacks[m.stack]
	named := fmt.Sprint(m.resource.Properties)
	m.w.each("AWS::EC2::SecurityGroup", func(in *stack, id string, _ properties) {
		for logical, known := range in.ids {
			if in == s && known == id && !strings.Contains(named, logical) {
				all = append(all, logical)
			}
		}
	})
	return all
}

// group changes the rules stated inside a group: the one that closes it, and
// one more in each direction.
func (m *mutator) group() {
	m.change("without its closing rule", func(p map[string]any) { delete(p, "SecurityGroupEgress") })
	world := map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
	m.change("letting everything out", func(p map[string]any) { p["SecurityGroupEgress"] = []any{world} })
	m.change("letting everything in", func(p map[string]any) { p["SecurityGroupIngress"] = []any{world} })
}

// ways adds routes to a table.
func (m *mutator) ways() {
	way := func(what, to string, through string, id any) {
		m.add(what, "AWS::EC2::Route", map[string]any{"RouteTableId": map[string]any{"Ref": m.logical}, "DestinationCidrBlock": to, through: id})
	}
	for _, logical := range m.w.stacks[m.stack].kinds["AWS::EC2::InternetGateway"] {
		way("a way to the internet", "0.0.0.0/0", "GatewayId", map[string]any{"Ref": logical})
	}
	way("a way through NAT", "0.0.0.0/0", "NatGatewayId", "nat")
	way("a way to a peer", "172.16.0.0/12", "VpcPeeringConnectionId", "peer")
}

func (m *mutator) endpoint() {
	m.remove()
	m.change("without a policy", func(p map[string]any) { delete(p, "PolicyDocument") })
	m.change("to another service", func(p map[string]any) { p["ServiceName"] = "com.amazonaws.region.sts" })
	if tables, ok := m.resource.Properties["RouteTableIds"].([]any); ok {
		for i := range tables {
			m.change(fmt.Sprintf("without route table %d", i), func(p map[string]any) {
				kept := append([]any{}, tables[:i]...)
				p["RouteTableIds"] = append(kept, tables[i+1:]...)
			})
		}
		return
	}
	m.change("wearing no group", func(p map[string]any) { delete(p, "SecurityGroupIds") })
	m.change("in no subnet", func(p map[string]any) { p["SubnetIds"] = []any{} })
}

func (m *mutator) balancer() {
	m.remove()
	scheme := "internet-facing"
	if m.resource.Properties["Scheme"] == scheme {
		scheme = "internal"
	}
	m.set("made "+scheme, "Scheme", scheme)
	m.change("wearing no group", func(p map[string]any) { p["SecurityGroups"] = []any{} })
	m.change("in no subnet", func(p map[string]any) { p["Subnets"] = []any{} })
}
