package reach

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// statement is one statement of a policy, resolved and sorted.
type statement struct {
	holder     string // the resource the policy belongs to
	kind       string // may: of a role; trust: who becomes it; policy: of a resource
	effect     string
	principals []string
	actions    []string
	resources  []string
	conditions map[string]map[string][]string // operator, key, values
}

// statements are those of every policy in the world.
func (w World) statements() []statement {
	var all []statement
	add := func(kind, holder string, document properties) {
		for _, s := range document.objects("Statement") {
			all = append(all, newStatement(kind, holder, s))
		}
	}
	document := func(kind, of string, path ...string) {
		w.each(of, func(_ *stack, id string, p properties) {
			for _, d := range p.objects(path...) {
				add(kind, id, d)
			}
		})
	}
	w.each("AWS::IAM::Role", func(_ *stack, id string, p properties) {
		for _, inline := range p.objects("Policies") {
			for _, d := range inline.objects("PolicyDocument") {
				add("may", id, d)
			}
		}
		for _, arn := range p.texts("ManagedPolicyArns") {
			all = append(all, statement{holder: id, kind: "may", effect: "Allow", actions: []string{arn}, resources: []string{"*"}})
		}
	})
	w.each("AWS::IAM::Policy", func(_ *stack, _ string, p properties) {
		for _, role := range p.texts("Roles") {
			for _, d := range p.objects("PolicyDocument") {
				add("may", role, d)
			}
		}
	})
	document("trust", "AWS::IAM::Role", "AssumeRolePolicyDocument")
	document("policy", "AWS::KMS::Key", "KeyPolicy")
	document("policy", "AWS::EC2::VPCEndpoint", "PolicyDocument")
	document("policy", "AWS::SNS::TopicPolicy", "PolicyDocument")
	w.each("AWS::S3::BucketPolicy", func(_ *stack, _ string, p properties) {
		for _, d := range p.objects("PolicyDocument") {
			add("policy", p.text("Bucket"), d)
		}
	})
	w.each("AWS::DynamoDB::GlobalTable", func(_ *stack, id string, p properties) {
		for _, replica := range p.objects("Replicas") {
			for _, d := range replica.objects("ResourcePolicy", "PolicyDocument") {
				add("policy", id, d)
			}
		}
	})
	w.each("AWS::Logs::ResourcePolicy", func(s *stack, id string, p properties) {
		var d map[string]any
		if json.Unmarshal([]byte(p.text("PolicyDocument")), &d) == nil {
			add("policy", id, properties{w, s, d})
		}
	})
	return all
}

func newStatement(kind, holder string, p properties) statement {
	s := statement{kind: kind, holder: holder, effect: p.text("Effect"), conditions: map[string]map[string][]string{}}
	s.actions = append(p.texts("Action"), marked("not ", p.texts("NotAction"))...)
	s.resources = append(p.texts("Resource"), marked("not ", p.texts("NotResource"))...)
	if principal, ok := p.raw("Principal").(map[string]any); ok {
		for who := range principal {
			s.principals = append(s.principals, marked(who+" ", p.texts("Principal", who))...)
		}
	} else {
		s.principals = p.texts("Principal")
	}
	if operators, ok := p.raw("Condition").(map[string]any); ok {
		for operator := range operators {
			keys, _ := p.raw("Condition", operator).(map[string]any)
			s.conditions[operator] = map[string][]string{}
			for key := range keys {
				s.conditions[operator][key] = p.texts("Condition", operator, key)
			}
		}
	}
	slices.Sort(s.principals)
	slices.Sort(s.actions)
	slices.Sort(s.resources)
	return s
}

func marked(mark string, values []string) []string {
	for i := range values {
		values[i] = mark + values[i]
	}
	return values
}

// String is the statement as a fact.
func (s statement) String() string {
	line := fmt.Sprintf("%s %s: %s", s.kind, s.holder, strings.ToLower(s.effect))
	if len(s.principals) > 0 {
		line += " {" + strings.Join(s.principals, ", ") + "}"
	}
	line += " " + strings.Join(s.actions, " ")
	if len(s.resources) > 0 {
		line += " on " + strings.Join(s.resources, " ")
	}
	var conditions []string
	for operator, keys := range s.conditions {
		for key, values := range keys {
			conditions = append(conditions, fmt.Sprintf("%s %s %s", key, operator, strings.Join(values, "|")))
		}
	}
	if len(conditions) > 0 {
		slices.Sort(conditions)
		line += " if " + strings.Join(conditions, " and ")
	}
	return line
}
