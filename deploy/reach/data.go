package reach

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// data are facts of the form "data storage may s3:GetObject … in data/Blobs":
// a route leads there, the door lets the call through, the role or the store's
// own policy allows it, no policy denies it and the key may be used.
func (n network) data() []string {
	var facts []string
	stores, callers := n.w.stores(), n.callers()
	for _, c := range callers {
		ways := map[string][]string{}
		for service := range probes {
			ways[service] = n.ways(c, service)
		}
		for _, st := range stores {
			// Nothing keeps an administrator from keys and secrets.
			if c.who == administrator && (st.service == "kms" || st.service == "secretsmanager") {
				continue
			}
			var may []string
			for _, action := range probes[st.service] {
				if n.succeeds(c, ways[st.service], action, st) {
					may = append(may, action)
				}
			}
			if len(may) > 0 {
				facts = append(facts, fmt.Sprintf("data %s may %s in %s", c.name, strings.Join(may, " "), st.id))
			}
		}
	}
	return facts
}

// succeeds tells whether the call gets through by one of the ways.
func (n network) succeeds(c caller, ways []string, action string, st store) bool {
	return slices.ContainsFunc(ways, func(door string) bool {
		context := maps.Clone(c.context)
		if c.inside != nil && door != "" {
			context["aws:SourceVpce"] = door
			n.w.each("AWS::EC2::VPC", func(_ *stack, id string, _ properties) { context["aws:SourceVpc"] = id })
			if !n.grants("policy", door, always, action, st.resource(action), context) {
				return false
			}
		}
		if n.denied(st, action, context) || !n.authorised(c, action, st, context) {
			return false
		}
		if st.key == "" || !slices.Contains(sealed, action) {
			return true
		}
		context["kms:ViaService"] = st.service + "." + st.region + ".amazonaws.com"
		return n.authorised(c, "kms:Decrypt", keyOf(st), context)
	})
}

// denied tells whether the store's policy refuses the call, whoever makes it.
func (n network) denied(st store, action string, context map[string]string) bool {
	return slices.ContainsFunc(n.policies["policy "+st.id], func(s *statement) bool {
		return s.effect == "Deny" && s.mustConcern(action, st.resource(action)) && s.holds(context)
	})
}

// authorised tells whether the caller may to begin with, by its role or by the
// store's own policy. Of a key the policy has the last word: without its
// consent no role's policy counts.
func (n network) authorised(c caller, action string, st store, context map[string]string) bool {
	if c.who == administrator {
		return true
	}
	resource := st.resource(action)
	byStore := n.grants("policy", st.id, c.included(n.account, st.open), action, resource, context)
	byRole := c.role != "" && n.grants("may", c.role, always, action, resource, context)
	if st.service == "kms" {
		byRole = byRole && n.grants("policy", st.id, n.delegates, action, resource, context)
	}
	return byStore || byRole
}

// grants tells whether a policy allows whoever it speaks of what is asked, and
// doesn't deny it.
func (n network) grants(kind, of string, speaksOf func(*statement) bool, action, resource string, context map[string]string) bool {
	allowed := false
	for _, s := range n.policies[kind+" "+of] {
		switch {
		case s.effect == "Allow":
			allowed = allowed || speaksOf(s) && s.mayConcern(action, resource) && s.mayHold(context)
		case s.mustConcern(action, resource) && s.holds(context):
			return false
		}
	}
	return allowed
}

func always(*statement) bool { return true }

// delegates tells whether a key's policy leaves it to the account's roles.
func (n network) delegates(s *statement) bool {
	return slices.Contains(s.principals, "AWS arn:aws:iam::"+n.account+":root") || slices.Contains(s.principals, "AWS "+n.account) ||
		slices.Contains(s.principals, "AWS *") || slices.Contains(s.principals, "*")
}
