package reach

import (
	"fmt"
	"net/netip"
	"slices"
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
			all = append(all, open(id, id, true))
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

// open lets everything through in one direction.
func open(origin, group string, outward bool) rule {
	return rule{group: group, outward: outward, protocol: "-1", high: 65535, peer: peer{block: "0.0.0.0/0"}, origin: origin}
}

// elsewhere are the rules of groups that are worn and in no template, the VPC's
// default group among them: nobody knows them, so they let everything through.
func (w World) elsewhere(actors []actor) []rule {
	var all []rule
	seen := map[string]bool{}
	for _, a := range actors {
		for _, group := range a.groups {
			if w.kind(group) != "AWS::EC2::SecurityGroup" && !seen[group] {
				seen[group] = true
				all = append(all, open(group, group, true), open(group, group, false))
			}
		}
	}
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
		group: p.text("SourceSecurityGroupId") + p.text("DestinationSecurityGroupId") + p.text("SourceSecurityGroupName"),
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

// worn are the groups something wears: the VPC's default one if it names none.
func worn(groups []string) []string {
	if len(groups) == 0 {
		return []string{"the default group of the VPC"}
	}
	return slices.Clone(groups)
}
