package reach

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// probes are the calls that are tried on each kind of store: those that touch
// data, and a few that would change who may.
var probes = map[string][]string{
	"s3": {
		"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
		"s3:AbortMultipartUpload", "s3:ListBucket", "s3:PutBucketPolicy", "s3:DeleteBucket",
	},
	"dynamodb": {
		"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem",
		"dynamodb:DeleteItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:PartiQLSelect",
		"dynamodb:DeleteTable", "dynamodb:PutResourcePolicy",
	},
}

// store is a bucket or a table.
type store struct {
	id, service, arn, key string
}

func (w World) stores() []store {
	var all []store
	w.each("AWS::S3::Bucket", func(s *stack, id string, p properties) {
		st := store{id: id, service: "s3", arn: "arn:aws:s3:::" + id}
		for _, rule := range p.objects("BucketEncryption", "ServerSideEncryptionConfiguration") {
			st.key = rule.text("ServerSideEncryptionByDefault", "KMSMasterKeyID")
		}
		all = append(all, st)
	})
	w.each("AWS::DynamoDB::GlobalTable", func(s *stack, id string, p properties) {
		st := store{id: id, service: "dynamodb", arn: "arn:aws:dynamodb:" + s.region + ":" + s.account + ":table/" + id}
		for _, replica := range p.objects("Replicas") {
			st.key = replica.text("SSESpecification", "KMSMasterKeyId")
		}
		all = append(all, st)
	})
	return all
}

// caller is somebody who tries, and how.
type caller struct {
	name    string
	role    string // "" may do anything that nothing denies
	context map[string]string
	doors   []string // gateway endpoints on the way; nil: not from the VPC
}

// data are facts of the form "data storage may s3:GetObject … in data/Blobs":
// a route leads there, the door lets the call through, the role allows it, no
// policy denies it and the key may be used. Administrators stand for the
// worst case: whoever got all rights in the account.
func (n network) data() []string {
	statements := n.w.statements()
	admin := caller{name: "administrator outside the VPC", context: map[string]string{
		"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:PrincipalArn": "administrator",
	}}
	plain := caller{name: "administrator without TLS", context: map[string]string{"aws:SecureTransport": "false", "s3:TlsVersion": "0"}}
	callers := append(n.tasks(), admin, plain)

	var facts []string
	for _, c := range callers {
		for _, st := range n.w.stores() {
			var may []string
			for _, action := range probes[st.service] {
				if n.succeeds(c, action, st, statements) {
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

// tasks are the services with their task roles and the doors they can reach.
func (n network) tasks() []caller {
	var all []caller
	n.w.each("AWS::ECS::Service", func(_ *stack, _ string, p properties) {
		t := n.w.task(p.text("TaskDefinition"))
		at := slices.IndexFunc(n.actors, func(a actor) bool { return a.name == t.name })
		c := caller{name: t.name, role: t.role, doors: []string{}, context: map[string]string{
			"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:PrincipalArn": t.role,
		}}
		for _, b := range n.actors {
			if at >= 0 && b.list != "" && len(n.ports(n.actors[at], b)) > 0 {
				c.doors = append(c.doors, b.name)
			}
		}
		n.w.each("AWS::EC2::VPC", func(_ *stack, id string, _ properties) { c.context["aws:SourceVpc"] = id })
		all = append(all, c)
	})
	return all
}

func (n network) succeeds(c caller, action string, st store, statements []statement) bool {
	context := map[string]string{}
	for key, value := range c.context {
		context[key] = value
	}
	resource := st.arn
	if strings.Contains(action, "Object") || strings.Contains(action, "Multipart") {
		resource += "/any"
	}
	if c.doors != nil {
		door := n.door(st.service)
		context["aws:SourceVpce"] = door
		if !slices.Contains(c.doors, st.service) || !allows(statements, "policy", door, action, resource, context) {
			return false
		}
	}
	for _, s := range statements {
		if s.holder == st.id && s.effect == "Deny" && s.covers(action, resource) && s.holds(context) {
			return false
		}
	}
	if c.role == "" {
		return true
	}
	return allows(statements, "may", c.role, action, resource, context) &&
		(st.key == "" || allows(statements, "may", c.role, "kms:Decrypt", st.key, context))
}

// door is the gateway endpoint of a service.
func (n network) door(service string) string {
	door := ""
	n.w.each("AWS::EC2::VPCEndpoint", func(_ *stack, id string, p properties) {
		if p.text("VpcEndpointType") == "Gateway" && serviceOf(p) == service {
			door = id
		}
	})
	return door
}

func allows(statements []statement, kind, holder, action, resource string, context map[string]string) bool {
	allowed := false
	for _, s := range statements {
		if s.kind != kind || s.holder != holder || !s.covers(action, resource) {
			continue
		}
		if s.effect == "Deny" && s.holds(context) {
			return false
		}
		allowed = allowed || s.effect == "Allow"
	}
	return allowed
}

// covers tells whether the statement speaks of action on resource.
func (s statement) covers(action, resource string) bool {
	glob := func(pattern, value string) bool {
		if pattern == "*" {
			return true
		}
		// Match has * stop at a slash, which IAM's does not.
		flat := strings.NewReplacer("/", "|")
		ok, err := path.Match(flat.Replace(pattern), flat.Replace(value))
		return err != nil || ok
	}
	return slices.ContainsFunc(s.actions, func(p string) bool { return glob(strings.ToLower(p), strings.ToLower(action)) }) &&
		slices.ContainsFunc(s.resources, func(p string) bool { return glob(p, resource) })
}

// holds evaluates the conditions of a denial. One that can't be evaluated
// doesn't hold: a denial is relied on only where it is certain.
func (s statement) holds(context map[string]string) bool {
	for operator, keys := range s.conditions {
		for key, values := range keys {
			have, known := context[key]
			in := slices.Contains(values, have)
			switch operator {
			case "StringEquals", "ArnEquals", "Bool":
				if !known || !in {
					return false
				}
			case "StringNotEquals", "ArnNotEquals":
				if in {
					return false
				}
			case "NumericLessThan":
				if !known || have >= values[0] {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}
