package reach

import (
	"fmt"
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
	m.change("widened to the VPC", opened(m.w.network().cidr))
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

func (m *mutator) endpoint() {
	m.remove()
	m.change("without a policy", func(p map[string]any) { delete(p, "PolicyDocument") })
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

func (m *mutator) service() {
	m.remove()
	wear := func(what string, f func(net map[string]any)) {
		m.change(what, func(p map[string]any) {
			f(p["NetworkConfiguration"].(map[string]any)["AwsvpcConfiguration"].(map[string]any))
		})
	}
	wear("with a public address", func(net map[string]any) { net["AssignPublicIp"] = "ENABLED" })
	wear("wearing no group", func(net map[string]any) { net["SecurityGroups"] = []any{} })
	m.w.each("AWS::EC2::Subnet", func(_ *stack, id string, _ properties) {
		wear("also in "+id, func(net map[string]any) { net["Subnets"] = append(net["Subnets"].([]any), id) })
	})
	m.w.each("AWS::EC2::SecurityGroup", func(_ *stack, id string, _ properties) {
		wear("also wearing "+id, func(net map[string]any) { net["SecurityGroups"] = append(net["SecurityGroups"].([]any), id) })
	})
}

func (m *mutator) distribution() {
	m.remove()
	config := func(what string, f func(map[string]any)) {
		m.change(what, func(p map[string]any) { f(p["DistributionConfig"].(map[string]any)) })
	}
	config("without a firewall", func(c map[string]any) { delete(c, "WebACLId") })
	config("without TLS for viewers", func(c map[string]any) {
		c["DefaultCacheBehavior"].(map[string]any)["ViewerProtocolPolicy"] = "allow-all"
	})
	origin := func(what string, f func(map[string]any)) {
		config(what, func(c map[string]any) { f(c["Origins"].([]any)[0].(map[string]any)) })
	}
	origin("without the proof", func(o map[string]any) { delete(o, "OriginCustomHeaders") })
	origin("redirected to another origin", func(o map[string]any) { o["DomainName"] = "elsewhere.example.net" })
	origin("without TLS to the origin", func(o map[string]any) {
		o["CustomOriginConfig"].(map[string]any)["OriginProtocolPolicy"] = "match-viewer"
	})
}

// target is the target group a listener rule forwards to.
func (m *mutator) target() string {
	for _, action := range (properties{m.w, m.w.stacks[m.stack], m.resource.Properties}).objects("Actions") {
		return action.text("TargetGroupArn")
	}
	return ""
}

// forward is an action that forwards to a target group other than not.
func (m *mutator) forward(not string) map[string]any {
	to := "nothing"
	m.w.each("AWS::ElasticLoadBalancingV2::TargetGroup", func(_ *stack, id string, _ properties) {
		if id != not {
			to = id
		}
	})
	return map[string]any{"Type": "forward", "TargetGroupArn": to}
}
