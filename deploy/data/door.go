package data

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// newDoor is a gateway endpoint: a route from the isolated subnets to a
// service, for just what its statements allow.
func newDoor(stack awscdk.Stack, id, service string, net network.Network, cfg config.Config, statements ...iam.PolicyStatement) ec2.CfnVPCEndpoint {
	var routes []any
	for _, table := range *net.Routes() {
		routes = append(routes, table)
	}
	return ec2.NewCfnVPCEndpoint(stack, jsii.String(id), &ec2.CfnVPCEndpointProps{
		VpcEndpointType: jsii.String("Gateway"),
		ServiceName:     jsii.String("com.amazonaws." + cfg.Region + "." + service),
		VpcId:           net.ID(),
		RouteTableIds:   &routes,
		PolicyDocument:  iam.NewPolicyDocument(&iam.PolicyDocumentProps{Statements: &statements}),
	})
}

// throughDoor lets principals of this account do actions on resources. A
// gateway endpoint's policy can't name roles that come later; which of them may
// do what stands in their own policies.
func throughDoor(sid string, actions []string, cfg config.Config, resources ...string) iam.PolicyStatement {
	return iam.NewPolicyStatement(&iam.PolicyStatementProps{
		Sid:        jsii.String(sid),
		Principals: anyone(),
		Actions:    jsii.Strings(actions...),
		Resources:  jsii.Strings(resources...),
		Conditions: &map[string]any{"StringEquals": map[string]string{"aws:PrincipalAccount": cfg.Account}},
	})
}

// unless holds for calls that neither have value for key nor are made by one
// of the roles.
func unless(key string, value *string, roles []*string) *map[string]any {
	conditions := map[string]any{"StringNotEquals": map[string]any{key: value}}
	if len(roles) > 0 {
		conditions["ArnNotEquals"] = map[string]any{"aws:PrincipalArn": roles}
	}
	return &conditions
}

// janitor is the role of the function that empties a throw-away bucket when
// its stack is deleted. There is none where data is kept.
func janitor(cfg config.Config) []*string {
	if cfg.Data.Retain {
		return nil
	}
	// The library makes the role and shows it to nobody but by its id.
	return []*string{awscdk.Fn_GetAtt(jsii.String("CustomS3AutoDeleteObjectsCustomResourceProviderRole3B1BD092"), jsii.String("Arn")).ToString()}
}

func anyone() *[]iam.IPrincipal { return &[]iam.IPrincipal{iam.NewAnyPrincipal()} }
