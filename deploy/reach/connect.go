package reach

import (
	"fmt"
	"slices"
	"strings"
)

// network is the state connections are derived from.
type network struct {
	w      World
	blocks []string // of the VPC
	rules  []rule
	actors []actor
	places map[string]*place

	account  string
	policies map[string][]*statement // by kind and holder
}

func (w World) network() network {
	n := network{w: w, rules: w.rules(), places: w.places(), policies: map[string][]*statement{}}
	n.actors = w.actors(n.rules)
	n.rules = append(n.rules, w.elsewhere(n.actors)...)
	w.each("AWS::EC2::VPC", func(_ *stack, _ string, p properties) { n.blocks = append(n.blocks, p.text("CidrBlock")) })
	for _, s := range w.stacks {
		n.account = s.account
	}
	for _, s := range w.statements() {
		at := s.kind + " " + s.holder
		n.policies[at] = append(n.policies[at], &s)
	}
	return n
}

// connections are facts of the form "connect gateway -> storage :9083": a's
// groups let it out, b's groups let it in, b listens and a route leads there.
func (n network) connections() []string {
	var facts []string
	for _, a := range n.actors {
		for _, b := range n.actors {
			for _, ports := range n.ports(a, b) {
				facts = append(facts, fmt.Sprintf("connect %s -> %s :%s", a.name, b.name, ports))
			}
		}
	}
	return facts
}

// ports are those on which a can open a connection to b.
func (n network) ports(a, b actor) []string {
	if !n.routed(a, b) {
		return nil
	}
	var open []string
	if b.outside() || b.stranger {
		for _, r := range n.rules {
			if r.outward && slices.Contains(a.groups, r.group) && n.names(r.peer, b) {
				open = append(open, r.ports())
			}
		}
		return open
	}
	for _, port := range b.listens {
		if n.lets(a, b, port, true) && n.lets(b, a, port, false) {
			open = append(open, fmt.Sprint(port))
		}
	}
	return open
}

// lets tells whether the groups that own wears let it talk to other on port,
// outward or inward. What is outside or a stranger has no groups of ours.
func (n network) lets(own, other actor, port int, outward bool) bool {
	if own.outside() || own.stranger {
		return true
	}
	return slices.ContainsFunc(n.rules, func(r rule) bool {
		return r.outward == outward && slices.Contains(own.groups, r.group) &&
			(r.protocol == "tcp" || r.protocol == "-1" || r.protocol == "6") && r.covers(port) && n.names(r.peer, other)
	})
}

// names tells whether the peer of a rule includes a.
func (n network) names(p peer, a actor) bool {
	everything := strings.HasSuffix(p.block, "/0")
	switch {
	case p.group != "":
		return slices.Contains(a.groups, p.group)
	case p.list != "":
		return a.list == p.list
	case p.block == "255.255.255.255/32":
		return false
	case a.list != "" || a.block == "0.0.0.0/0":
		return everything
	case a.block != "":
		return meets(p.block, a.block)
	default:
		return slices.ContainsFunc(n.blocks, func(block string) bool { return meets(p.block, block) })
	}
}

// routed tells whether packets from a find b and those of b find a.
func (n network) routed(a, b actor) bool {
	switch {
	case a.name == b.name && !slices.ContainsFunc(n.rules, func(r rule) bool { return slices.Contains(a.groups, r.peer.group) }):
		return false // not two tasks of a service that talk to each other
	case a.stranger && (b.stranger || b.outside()), b.stranger && a.outside(), a.outside() && b.outside():
		return false // none of our business
	case a.outside():
		return b.public && n.somewhere(b, "0.0.0.0/0", internet) || n.somewhere(b, a.address(), twoWay)
	case !b.outside():
		return true
	case b.list != "" && (n.somewhere(a, b.name, outward) || n.somewhere(a, b.list, outward)):
		return true
	default:
		return n.somewhere(a, b.address(), outward) || a.public && n.somewhere(a, b.address(), internet)
	}
}

func (n network) somewhere(a actor, to string, kind func(via string) bool) bool {
	return slices.ContainsFunc(a.subnets, func(id string) bool {
		at, known := n.places[id]
		return !known || at.leads(to, kind)
	})
}

// halves are rules that allow what no connection uses: one end without the
// other, ports nobody listens on, or a group nobody wears. A tight design has
// none, so a rule that is opened wider than its counterpart shows up here.
func (n network) halves() []string {
	var facts []string
	for _, r := range n.rules {
		if r.closes() {
			continue
		}
		used := false
		for _, own := range n.actors {
			if !slices.Contains(own.groups, r.group) {
				continue
			}
			for _, other := range n.actors {
				if !n.names(r.peer, other) {
					continue
				}
				from, to := other, own
				if r.outward {
					from, to = own, other
				}
				used = used || slices.Contains(n.ports(from, to), fmt.Sprint(r.low))
			}
		}
		if !used || r.low != r.high || r.protocol != "tcp" {
			facts = append(facts, fmt.Sprintf("half-open %s: %s %s %s", r.origin, r.protocol, r.ports(), r.peer))
		}
	}
	return facts
}

// placements say where everything stands and what leads away from there.
func (n network) placements() []string {
	var facts []string
	for _, a := range n.actors {
		if len(a.subnets) == 0 {
			continue
		}
		var names []string
		for _, id := range a.subnets {
			if at, known := n.places[id]; known {
				names = append(names, at.name)
			} else {
				names = append(names, id)
			}
		}
		slices.Sort(names)
		fact := fmt.Sprintf("place %s in %s wearing %s", a.name, strings.Join(names, ", "), strings.Join(a.groups, ", "))
		if a.public {
			fact += " with a public address"
		}
		facts = append(facts, fact)
	}
	for _, at := range n.places {
		for _, w := range at.ways {
			facts = append(facts, fmt.Sprintf("route %s: %s via %s", at.name, w.to, w.via))
		}
	}
	for _, block := range n.blocks {
		facts = append(facts, "vpc "+block)
	}
	return facts
}
