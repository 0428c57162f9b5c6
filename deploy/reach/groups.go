package reach

import (
	"fmt"
	"net/netip"
	"strconv"
)

// rule is one rule of a security group.
type rule struct {
	group    string // whose
	outward  bool
	protocol string // tcp or -1, which is all
	low      int
	high     int
	peer     peer
	origin   string // the resource that states it
}

// peer is the other end a rule names: exactly one field is set.
type peer struct {
	group string
	block string // CIDR
	list  string // managed prefix list
}

func (p peer) String() string { return p.group + p.block + p.list }

func (r rule) covers(port int) bool { return port >= r.low && port <= r.high }

func (r rule) ports() string {
	if r.low == r.high {
		return strconv.Itoa(r.low)
	}
	return fmt.Sprintf("%d-%d", r.low, r.high)
}

// rules are those of all groups, stated inline or apart.
func (w World) rules() []rule {
	var all []rule
	w.each("AWS::EC2::SecurityGroup", func(_ *stack, id string, p properties) {
		for _, in := range p.objects("SecurityGroupIngress") {
			all = append(all, newRule(id, id, false, in))
		}
		for _, out := range p.objects("SecurityGroupEgress") {
			all = append(all, newRule(id, id, true, out))
		}
		if p.raw("SecurityGroupEgress") == nil {
			all = append(all, rule{group: id, outward: true, protocol: "-1", high: 65535, peer: peer{block: "0.0.0.0/0"}, origin: id})
		}
	})
	w.each("AWS::EC2::SecurityGroupIngress", func(_ *stack, id string, p properties) {
		all = append(all, newRule(id, p.text("GroupId"), false, p))
	})
	w.each("AWS::EC2::SecurityGroupEgress", func(_ *stack, id string, p properties) {
		all = append(all, newRule(id, p.text("GroupId"), true, p))
	})
	return all
}

func newRule(origin, group string, outward bool, p properties) rule {
	r := rule{group: group, outward: outward, protocol: p.text("IpProtocol"), origin: origin}
	r.low, _ = strconv.Atoi(p.text("FromPort"))
	r.high, _ = strconv.Atoi(p.text("ToPort"))
	if r.protocol == "-1" {
		r.low, r.high = 0, 65535
	}
	r.peer = peer{
		group: p.text("SourceSecurityGroupId") + p.text("DestinationSecurityGroupId"),
		block: p.text("CidrIp") + p.text("CidrIpv6"),
		list:  p.text("SourcePrefixListId") + p.text("DestinationPrefixListId"),
	}
	return r
}

// closes tells whether r is the rule CDK writes to say that nothing goes out:
// an ICMP type that doesn't exist, to an address that doesn't either.
func (r rule) closes() bool {
	return r.outward && r.protocol == "icmp" && r.peer.block == "255.255.255.255/32"
}

// meets tells whether two blocks have an address in common. What can't be
// parsed meets everything.
func meets(a, b string) bool {
	x, errX := netip.ParsePrefix(a)
	y, errY := netip.ParsePrefix(b)
	return errX != nil || errY != nil || x.Overlaps(y)
}
