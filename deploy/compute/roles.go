package compute

import (
	"slices"

	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/journal"
)

// executionRole starts tasks of s: it pulls their images, reads their secrets
// and opens their log streams. The process never has it.
func (f floor) executionRole(scope constructs.Construct, s service, log journal.Group) iam.IRole {
	statements := []iam.PolicyStatement{
		allow("RegistryLogin", []string{"ecr:GetAuthorizationToken"}, jsii.String("*")),
		allow("Images", []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"}, f.repositories(s.name, "collector")...),
		allow("Logs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, log.Streams, f.telemetry.log.Streams),
	}
	if len(s.secrets) > 0 {
		var arns []*string
		for _, variable := range sortedKeys(s.secrets) {
			arns = append(arns, s.secrets[variable].SecretArn())
		}
		statements = append(statements, allow("Secrets", []string{"secretsmanager:GetSecretValue"}, arns...))
	}
	return f.role(scope, "ExecutionRole", statements)
}

// taskRole is what the process of s may do in AWS, and its collector.
func (f floor) taskRole(scope constructs.Construct, s service) iam.IRole {
	return f.role(scope, "TaskRole", append(slices.Clone(s.may), f.telemetry.may()...))
}

// role makes a role that tasks of this account assume. It is frozen: no
// construct may add to what is written here.
func (f floor) role(scope constructs.Construct, id string, statements []iam.PolicyStatement) iam.IRole {
	role := iam.NewRole(scope, jsii.String(id), &iam.RoleProps{
		AssumedBy: iam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), &iam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": f.cfg.Account}},
		}),
		InlinePolicies: &map[string]iam.PolicyDocument{
			"Allowed": iam.NewPolicyDocument(&iam.PolicyDocumentProps{Statements: &statements}),
		},
	})
	return role.WithoutPolicyUpdates(nil)
}

func allow(sid string, actions []string, resources ...*string) iam.PolicyStatement {
	return iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid: jsii.String(sid), Actions: jsii.Strings(actions...), Resources: &resources,
	})
}
