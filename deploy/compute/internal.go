package compute

import (
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// internalIdleSeconds is the longest a load balancer grants: HTTP/2 pings
// don't count as traffic, and a stream may be quiet for long.
const internalIdleSeconds = 4000

// newInternalEntry lets callers inside the VPC that wear the clients' group
// reach metadata and storage by gRPC, each service under its own path. There is
// no path to the ledger. A load balancer takes gRPC only over TLS, so without a
// domain, which means without a certificate, there is no such entry.
func (f floor) newInternalEntry(metadata, storage ecs.FargateService) *entry {
	if f.cfg.Domain == nil {
		return nil
	}
	scope := constructs.NewConstruct(f.stack, jsii.String("InternalEntry"))
	balancer := f.balancer(scope, network.InternalALB, internalIdleSeconds)
	listener := balancer.AddListener(jsii.String("Listener"), f.listener(scope, "Certificate", config.Domain.GRPC))

	groups := map[string]elb.ApplicationTargetGroup{
		"metadata": f.grpcGroup(scope, "Metadata", f.target(metadata, "metadata", contract.MetadataPort), contract.MetadataPort),
		"storage":  f.grpcGroup(scope, "Storage", f.target(storage, "storage", contract.StoragePort), contract.StoragePort),
	}
	priority := 1
	route := func(target string, services []string) {
		for _, service := range services {
			elb.NewApplicationListenerRule(scope, jsii.String(service), &elb.ApplicationListenerRuleProps{
				Listener:   listener,
				Priority:   jsii.Number(priority),
				Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_PathPatterns(jsii.Strings("/" + service + "/*"))},
				Action:     elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{groups[target]}, nil),
			})
			priority++
		}
	}
	route("metadata", contract.MetadataServices)
	route("storage", contract.StorageServices)

	// The name is known inside the VPC alone.
	zone := route53.NewPrivateHostedZone(scope, jsii.String("PrivateZone"), &route53.PrivateHostedZoneProps{
		ZoneName: jsii.String(f.cfg.Domain.GRPC()), Vpc: f.vpc,
	})
	f.record(scope, "Name", zone, f.cfg.Domain.GRPC(), balancer)
	f.logConnections(scope, "InternalALB", balancer)
	return &entry{balancer, groups}
}

func (f floor) grpcGroup(scope constructs.Construct, id string, target elb.IApplicationLoadBalancerTarget, port int) elb.ApplicationTargetGroup {
	return elb.NewApplicationTargetGroup(scope, jsii.String(id), &elb.ApplicationTargetGroupProps{
		Vpc: f.vpc, TargetType: elb.TargetType_IP,
		Protocol: elb.ApplicationProtocol_HTTP, ProtocolVersion: elb.ApplicationProtocolVersion_GRPC, Port: jsii.Number(port),
		Targets:             &[]elb.IApplicationLoadBalancerTarget{target},
		DeregistrationDelay: f.patience(),
		HealthCheck:         readiness(contract.GRPCReadyPath, "0"),

		LoadBalancingAlgorithmType: elb.TargetGroupLoadBalancingAlgorithmType_LEAST_OUTSTANDING_REQUESTS,
	})
}
