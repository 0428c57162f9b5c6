package reach

import (
	"encoding/json"
	"strings"
)

// statements are those of every policy in the world.
func (w World) statements() []statement {
	var all []statement
	add := func(kind, holder string, documents []properties) {
		for _, d := range documents {
			for _, s := range d.objects("Statement") {
				all = append(all, newStatement(kind, holder, s))
			}
		}
	}
	each := func(of string, f func(s *stack, id string, p properties)) { w.each(of, f) }

	each("AWS::IAM::Role", func(_ *stack, id string, p properties) {
		add("trust", id, p.objects("AssumeRolePolicyDocument"))
		for _, inline := range p.objects("Policies") {
			add("may", id, inline.objects("PolicyDocument"))
		}
		for _, arn := range p.texts("ManagedPolicyArns") {
			all = append(all, managed(id, arn))
		}
	})
	for _, kind := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"} {
		each(kind, func(_ *stack, _ string, p properties) {
			for _, role := range p.texts("Roles") {
				add("may", role, p.objects("PolicyDocument"))
			}
		})
	}
	each("AWS::IAM::RolePolicy", func(_ *stack, _ string, p properties) {
		add("may", p.text("RoleName"), p.objects("PolicyDocument"))
	})
	each("AWS::KMS::Key", func(_ *stack, id string, p properties) { add("policy", id, p.objects("KeyPolicy")) })
	each("AWS::EC2::VPCEndpoint", func(_ *stack, id string, p properties) {
		if p.raw("PolicyDocument") == nil {
			all = append(all, everything("policy", id))
		}
		add("policy", id, p.objects("PolicyDocument"))
	})
	each("AWS::SNS::TopicPolicy", func(_ *stack, id string, p properties) { add("policy", id, p.objects("PolicyDocument")) })
	each("AWS::S3::BucketPolicy", func(_ *stack, _ string, p properties) { add("policy", p.text("Bucket"), p.objects("PolicyDocument")) })
	each("AWS::SecretsManager::ResourcePolicy", func(_ *stack, _ string, p properties) {
		_, secret, _ := strings.Cut(p.text("SecretId"), ":secret:")
		add("policy", secret, p.objects("ResourcePolicy"))
	})
	each("AWS::DynamoDB::GlobalTable", func(_ *stack, id string, p properties) {
		for _, replica := range p.objects("Replicas") {
			add("policy", id, replica.objects("ResourcePolicy", "PolicyDocument"))
		}
	})
	each("AWS::Logs::ResourcePolicy", func(s *stack, id string, p properties) {
		// It is written as a text.
		var d map[string]any
		if json.Unmarshal([]byte(p.text("PolicyDocument")), &d) != nil {
			all = append(all, everything("policy", id))
		}
		add("policy", id, []properties{{w, s, d}})
	})
	return all
}

// everything is what an endpoint allows to whom unless its policy says less.
func everything(kind, holder string) statement {
	all := []string{"*"}
	return statement{kind: kind, holder: holder, effect: "Allow", principals: all, actions: all, calls: all, resources: all}
}

// logsOnly is the policy CDK gives its functions.
const logsOnly = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

// managed is a policy kept elsewhere. What it allows is in no template, so it
// is taken to allow everything, unless it is one that is known.
func managed(role, arn string) statement {
	s := statement{kind: "may", holder: role, effect: "Allow", actions: []string{"*"}, resources: []string{"*"}, from: arn}
	if arn == logsOnly {
		s.actions = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	}
	s.calls = folded(s.actions)
	return s
}
