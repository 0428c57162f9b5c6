package network

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// door is an AWS service tasks call, and what they may do through it.
type door struct {
	id        string
	service   ec2.InterfaceVpcEndpointAwsService
	actions   []string
	resources []string
}

// doors are all the services a task needs besides its data. S3 and DynamoDB
// have gateway endpoints, which belong to the data they lead to.
func doors(cfg config.Config) []door {
	here := cfg.Region + ":" + cfg.Account + ":"
	return []door{
		{"RegistryAPI", ec2.InterfaceVpcEndpointAwsService_ECR(), []string{"ecr:GetAuthorizationToken"}, []string{"*"}},
		{"Registry", ec2.InterfaceVpcEndpointAwsService_ECR_DOCKER(),
			[]string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"},
			[]string{"arn:aws:ecr:" + here + "repository/*"}},
		{"Logs", ec2.InterfaceVpcEndpointAwsService_CLOUDWATCH_LOGS(),
			[]string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
			[]string{"arn:aws:logs:" + here + "log-group:*"}},
		{"Secrets", ec2.InterfaceVpcEndpointAwsService_SECRETS_MANAGER(),
			[]string{"secretsmanager:GetSecretValue"},
			[]string{"arn:aws:secretsmanager:" + here + "secret:*"}},
		{"Traces", ec2.InterfaceVpcEndpointAwsService_XRAY(),
			[]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, []string{"*"}},
	}
}

// newEndpoints puts a private address of each door into the isolated subnets;
// in dev into one of them, since each address costs by the hour. The policies
// keep stolen credentials of another account from being used from here, and
// ours from reaching anything but our own account.
func newEndpoints(stack awscdk.Stack, vpc ec2.Vpc, group ec2.ISecurityGroup, cfg config.Config) {
	subnets := vpc.IsolatedSubnets()
	if cfg.Stage == config.Dev {
		first := (*subnets)[:1]
		subnets = &first
	}
	for _, d := range doors(cfg) {
		endpoint := ec2.NewInterfaceVpcEndpoint(stack, jsii.String(d.id+"Endpoint"), &ec2.InterfaceVpcEndpointProps{
			Vpc:            vpc,
			Service:        d.service,
			Open:           jsii.Bool(false),
			SecurityGroups: &[]ec2.ISecurityGroup{group},
			Subnets:        &ec2.SubnetSelection{Subnets: subnets},
		})
		actions := d.actions
		if d.id == "RegistryAPI" {
			// The registry's API answers for repositories too.
			actions = append(actions, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")
		}
		endpoint.AddToPolicy(iam.NewPolicyStatement(&iam.PolicyStatementProps{
			Principals: &[]iam.IPrincipal{iam.NewAnyPrincipal()},
			Actions:    jsii.Strings(actions...),
			Resources:  jsii.Strings(d.resources...),
			Conditions: &map[string]any{"StringEquals": map[string]string{"aws:PrincipalAccount": cfg.Account}},
		}))
	}
}
