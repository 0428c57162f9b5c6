package reach

import (
	"maps"
	"slices"
	"strings"
)

// caller is somebody who tries to use a store, and how.
type caller struct {
	name    string
	role    string // whose policies count
	who     who
	context map[string]string
	inside  *actor // calls from there; nil: from outside the VPC
}

// who is how much a caller may to begin with.
type who int

const (
	holder        who = iota // what its role may
	administrator            // whatever nothing denies, as if all rights in the account were stolen
	stranger                 // of another account
	anybody                  // without an account
)

// callers are the processes with their roles, whoever starts them, every role
// as if its credentials were stolen, and strangers.
func (n network) callers() []caller {
	var all []caller
	add := func(c caller, arn string) {
		c.context = map[string]string{
			"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:PrincipalArn": arn, "aws:PrincipalAccount": n.account,
			"kms:ViaService": "", // nobody calls on its behalf
		}
		switch c.who {
		case stranger:
			c.context["aws:PrincipalAccount"] = "999999999999"
		case anybody:
			c.context["aws:PrincipalAccount"] = ""
		}
		all = append(all, c)
	}
	n.w.each("AWS::ECS::Service", func(_ *stack, _ string, p properties) {
		t := n.w.task(p.text("TaskDefinition"))
		at := slices.IndexFunc(n.actors, func(a actor) bool { return a.name == t.name })
		if at < 0 {
			return
		}
		add(caller{name: t.name, role: t.role, inside: &n.actors[at]}, t.role)
		add(caller{name: "whoever starts " + t.name, role: t.starter, inside: &n.actors[at]}, t.starter)
	})
	n.w.each("AWS::IAM::Role", func(_ *stack, id string, _ properties) {
		add(caller{name: id + " outside the VPC", role: id}, id)
	})
	for _, arn := range n.exempted() {
		add(caller{name: arn + " outside the VPC", who: administrator}, arn)
	}
	add(caller{name: "administrator outside the VPC", who: administrator}, "arn:aws:iam::"+n.account+":role/Administrator")
	add(caller{name: "another account", who: stranger}, "arn:aws:iam::999999999999:role/Stranger")
	add(caller{name: "anybody", who: anybody}, "")
	plain := caller{name: "administrator without TLS", who: administrator}
	plain.context = map[string]string{"aws:SecureTransport": "false", "s3:TlsVersion": "0"}
	return append(all, plain)
}

// included tells of a statement in a store's policy whether it speaks of the
// caller. open is whether the store heeds statements that speak of everybody.
func (c caller) included(account string, open bool) func(*statement) bool {
	ours := c.who == holder
	return func(s *statement) bool {
		if len(s.exceptPrincipals) > 0 {
			return ours || open
		}
		return slices.ContainsFunc(s.principals, func(principal string) bool {
			kind, id, _ := strings.Cut(principal, " ")
			switch {
			case principal == "*", principal == "AWS *":
				return ours || open
			case kind == "Service":
				return false
			case ours:
				return id == c.role
			default:
				return c.who == stranger && !strings.Contains(id, account) && !strings.Contains(id, "/")
			}
		})
	}
}

// exempted are the principals that some denial spares.
func (n network) exempted() []string {
	found := map[string]bool{}
	for _, policy := range n.policies {
		for _, s := range policy {
			for operator, keys := range s.conditions {
				for _, arn := range keys["aws:PrincipalArn"] {
					if s.effect == "Deny" && strings.Contains(operator, "Not") && n.w.kind(arn) == "" {
						found[arn] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// ways are the endpoints through which a caller gets to a service: the ids of
// those it can use, and "" if it gets there without any.
func (n network) ways(c caller, service string) []string {
	if c.inside == nil || service == "kms" {
		return []string{""} // a store uses its key for the caller
	}
	var all []string
	for _, b := range n.actors {
		switch {
		case len(n.ports(*c.inside, b)) == 0:
		case b.block == "0.0.0.0/0":
			all = append(all, "")
		case b.list != "" && b.name == service:
			all = append(all, n.doors(*c.inside, service)...)
		case b.endpoint != "" && b.name == "endpoint:"+service:
			all = append(all, b.endpoint)
		}
	}
	return all
}

// doors are the gateway endpoints to the service where a is.
func (n network) doors(a actor, service string) []string {
	var all []string
	for _, id := range a.subnets {
		if at, known := n.places[id]; known {
			for _, w := range at.ways {
				if w.to == service {
					all = append(all, w.via)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
