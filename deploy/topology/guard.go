package topology

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// Guard checks every resource against the AwsSolutions rules. A finding that
// no exception explains fails synthesis.
func Guard(app awscdk.App, s Stacks, cfg config.Config) {
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Verbose: jsii.Bool(true), Reports: jsii.Bool(true),
	}), nil)
	for _, e := range exceptions(s, cfg) {
		suppression := &cdknag.NagPackSuppression{Id: jsii.String("AwsSolutions-" + e.rule), Reason: jsii.String(e.reason)}
		if e.only != "" {
			suppression.AppliesTo = &[]any{&cdknag.RegexAppliesTo{Regex: jsii.String("/^" + e.only + "$/")}}
		}
		cdknag.NagSuppressions_AddResourceSuppressionsByPath(e.stack, jsii.String("/"+*e.stack.StackName()+"/"+e.path),
			&[]*cdknag.NagPackSuppression{suppression}, jsii.Bool(false))
	}
}

// exception is one finding on one resource that is meant, and why.
type exception struct {
	stack  awscdk.Stack
	path   string // of the resource in its stack
	rule   string
	only   string // pattern of the finding's detail, for rules that have one
	reason string
}

const (
	streams = `Resource::arn:aws:logs:[^:]+:[0-9]+:log-group:<[A-Za-z0-9]+>:(log-stream:)?\*`

	streamsWhy  = "The log group is named; its streams are named by the service that writes, when it starts."
	rotationWhy = "Rotated by deploying: a process reads it when it starts, so a value that changes by itself would reach some tasks and not others. README, Rotation."
)

func exceptions(s Stacks, cfg config.Config) []exception {
	all := []exception{
		{s.Network, "VPC/All/IAMRole/DefaultPolicy/Resource", "IAM5", streams, streamsWhy},
		{s.Data, "Blobs/Resource", "S1", "", "Access is logged to CloudWatch (S3_SERVER_ACCESS_LOGS), where every other log is; the rule knows only a bucket of logs."},
		{s.Compute, "PublicEntry/Balancer/Resource", "ELB2", "", "Access logs record URLs, which name files and hold tokens of shares. Connections are logged to CloudWatch; requests are logged by the gateway, without names."},
		{s.Compute, "GrantKey/Resource", "SMG4", "", rotationWhy},
		{s.Compute, "LedgerToken/Resource", "SMG4", "", rotationWhy},
		{s.Edge, "Distribution/Resource", "CFR3", "", "Requests are logged to CloudWatch (ACCESS_LOGS) without URI and query. The logging this rule looks for always records both."},
	}
	if len(cfg.AllowedCountries) == 0 {
		all = append(all, exception{s.Edge, "Distribution/Resource", "CFR1", "", "Users may be anywhere unless allowedCountries says where."})
	}
	if cfg.Identity.Bootstrap {
		all = append(all, exception{s.Compute, "BootstrapKey/Resource", "SMG4", "", "Nobody may need it again, and identity.bootstrap, set to false, then takes it away. Where it is kept it is rotated as the others are: README, Rotation."})
	}
	if cfg.Identity.Keys == config.KeysFromDocument {
		all = append(all, exception{s.Compute, issuerKeysPath(s), "SMG4", "", "Public keys; the identity provider rotates them and a new document is deployed."})
	}
	all = append(all, proofExceptions(s, cfg)...)
	for _, service := range []string{"Gateway", "Metadata", "Storage"} {
		all = append(all,
			exception{s.Compute, service + "/ExecutionRole/Resource", "IAM5", `Resource::\*`, "ecr:GetAuthorizationToken knows no resource."},
			exception{s.Compute, service + "/ExecutionRole/Resource", "IAM5", streams, streamsWhy},
			exception{s.Compute, service + "/TaskRole/Resource", "IAM5", `Resource::\*`, "X-Ray's write calls know no resource."},
			exception{s.Compute, service + "/TaskRole/Resource", "IAM5", streams, streamsWhy},
			exception{s.Compute, service + "/Task/Resource", "ECS2", "", "The environment holds the telemetry endpoint, the memory limit and the collector's settings; secrets come from Secrets Manager, everything else by flags."},
		)
	}
	all = append(all,
		exception{s.Compute, "Storage/TaskRole/Resource", "IAM5", `Resource::arn:aws:s3:::<[A-Za-z0-9]+>/\*`, "Storage owns every object of this one bucket; their keys are random."},
	)
	if cfg.Domain == nil {
		return append(all, developmentExceptions(s)...)
	}
	return append(all, exception{s.Compute, "InternalEntry/Balancer/Resource", "ELB2", "", "As for the public one; paths of gRPC calls name no files, but one rule for both is easier to hold."})
}
