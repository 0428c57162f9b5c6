package compute

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	secretsmanager "github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/originproof"
)

// newOriginProof makes the secret of each accepted generation, readable in the
// edge's region too, and the condition that a request carries one of them.
func newOriginProof(scope constructs.Construct, cfg config.Config) elb.ListenerCondition {
	var accepted []*string
	for _, generation := range originproof.Accepted(cfg) {
		props := &secretsmanager.SecretProps{
			SecretName:  jsii.String(originproof.SecretName(cfg, generation)),
			Description: jsii.String("Holdfast " + string(cfg.Stage) + ": by this the origin knows the edge"),
			// A load balancer compares headers without regard to case and takes
			// * and ? for wildcards.
			GenerateSecretString: &secretsmanager.SecretStringGenerator{
				PasswordLength: jsii.Number(64), ExcludePunctuation: jsii.Bool(true), ExcludeUppercase: jsii.Bool(true),
			},
		}
		if cfg.Region != originproof.EdgeRegion {
			props.ReplicaRegions = &[]*secretsmanager.ReplicaRegion{{Region: jsii.String(originproof.EdgeRegion)}}
		}
		secret := secretsmanager.NewSecret(scope, jsii.String(fmt.Sprintf("Proof%d", generation)), props)
		secret.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY)
		accepted = append(accepted, secret.SecretValue().UnsafeUnwrap())
	}
	return elb.ListenerCondition_HttpHeader(jsii.String(originproof.Header), &accepted)
}
