package compute

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	acm "github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	targets "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/journal"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// publicIdleSeconds is longer than CloudFront waits for an answer or keeps a
// connection, and shorter than the gateway keeps one.
const publicIdleSeconds = contract.GatewayIdleSeconds - 5

// entry is a load balancer and the groups it sends to.
type entry struct {
	balancer elb.ApplicationLoadBalancer
	targets  map[string]elb.ApplicationTargetGroup
}

// newPublicEntry faces the internet, of which the security group lets
// CloudFront's addresses through, and forwards only what carries the origin's
// proof.
func (f floor) newPublicEntry(gateway ecs.FargateService) entry {
	scope := constructs.NewConstruct(f.stack, jsii.String("PublicEntry"))
	balancer := f.balancer(scope, network.PublicALB, publicIdleSeconds)
	group := elb.NewApplicationTargetGroup(scope, jsii.String("Gateway"), &elb.ApplicationTargetGroupProps{
		Vpc: f.vpc, TargetType: elb.TargetType_IP,
		Protocol: elb.ApplicationProtocol_HTTP, Port: jsii.Number(contract.GatewayPort),
		Targets:             &[]elb.IApplicationLoadBalancerTarget{f.target(gateway, "gateway", contract.GatewayPort)},
		DeregistrationDelay: f.patience(),
		HealthCheck:         readiness(contract.GatewayReadyPath, ""),
		// A new upload goes to the task that has the fewest.
		LoadBalancingAlgorithmType: elb.TargetGroupLoadBalancingAlgorithmType_LEAST_OUTSTANDING_REQUESTS,
	})
	listener := balancer.AddListener(jsii.String("Listener"), f.listener(scope, "Certificate", config.Domain.Origin))
	elb.NewApplicationListenerRule(scope, jsii.String("FromTheEdge"), &elb.ApplicationListenerRuleProps{
		Listener:   listener,
		Priority:   jsii.Number(1),
		Conditions: &[]elb.ListenerCondition{newOriginProof(scope, f.cfg)},
		Action:     elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{group}, nil),
	})
	if f.cfg.Domain != nil {
		f.record(scope, "Origin", f.zone, f.cfg.Domain.Origin(), balancer)
	}
	f.logConnections(scope, "PublicALB", balancer)
	return entry{balancer, map[string]elb.ApplicationTargetGroup{"gateway": group}}
}

// balancer makes a load balancer. Only the public one is outside the isolated
// subnets.
func (f floor) balancer(scope constructs.Construct, party network.Party, idleSeconds int) elb.ApplicationLoadBalancer {
	public := party == network.PublicALB
	subnets := network.Isolated()
	if public {
		subnets = network.Public()
	}
	return elb.NewApplicationLoadBalancer(scope, jsii.String("Balancer"), &elb.ApplicationLoadBalancerProps{
		Vpc: f.vpc, VpcSubnets: subnets, InternetFacing: jsii.Bool(public),
		SecurityGroup:           f.net.Group(party),
		IdleTimeout:             awscdk.Duration_Seconds(jsii.Number(idleSeconds)),
		DropInvalidHeaderFields: jsii.Bool(true),
		DesyncMitigationMode:    elb.DesyncMitigationMode_DEFENSIVE,
		XffHeaderProcessingMode: elb.XffHeaderProcessingMode_APPEND,
		// It holds nothing and is found by a record or a parameter of its stack, so
		// it may be made anew. Protected, a first release that fails could not be
		// taken back, and would have to be freed by hand.
		DeletionProtection: jsii.Bool(false),
	})
}

// listener speaks HTTPS under a certificate for name, and refuses what no rule
// takes. Without a domain it speaks HTTP, which only the development mode has.
func (f floor) listener(scope constructs.Construct, id string, name func(config.Domain) string) *elb.BaseApplicationListenerProps {
	props := &elb.BaseApplicationListenerProps{
		Open: jsii.Bool(false), Port: jsii.Number(80), Protocol: elb.ApplicationProtocol_HTTP,
		DefaultAction: elb.ListenerAction_FixedResponse(jsii.Number(403), &elb.FixedResponseOptions{ContentType: jsii.String("text/plain")}),
	}
	if f.cfg.Domain == nil {
		return props
	}
	props.Port, props.Protocol = jsii.Number(443), elb.ApplicationProtocol_HTTPS
	props.SslPolicy = elb.SslPolicy_RECOMMENDED_TLS
	props.Certificates = &[]elb.IListenerCertificate{acm.NewCertificate(scope, jsii.String(id), &acm.CertificateProps{
		DomainName: jsii.String(name(*f.cfg.Domain)),
		Validation: acm.CertificateValidation_FromDns(f.zone),
	})}
	return props
}

func (f floor) record(scope constructs.Construct, id string, zone route53.IHostedZone, name string, balancer elb.ApplicationLoadBalancer) {
	route53.NewARecord(scope, jsii.String(id), &route53.ARecordProps{
		Zone: zone, RecordName: jsii.String(name + "."),
		Target: route53.RecordTarget_FromAlias(targets.NewLoadBalancerTarget(balancer, nil)),
	})
}

func (f floor) target(service ecs.FargateService, container string, port int) elb.IApplicationLoadBalancerTarget {
	return service.LoadBalancerTarget(&ecs.LoadBalancerTargetOptions{
		ContainerName: jsii.String(container), ContainerPort: jsii.Number(port),
	})
}

// patience is how long a task that is to go keeps the requests it has. ECS asks
// a task to stop when every target group it is in has let go of it. Where there
// is an internal load balancer storage and metadata are in its groups, so the
// gateway's transfers have the same time; elsewhere they are asked at once.
func (f floor) patience() awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(f.cfg.Services.GraceSeconds))
}

// readiness asks path often enough that a draining task, which fails it at once,
// is noticed within contract.DrainDelaySeconds, before it takes no more calls. A
// gRPC answer must be OK, an HTTP one 200.
func readiness(path, grpcCodes string) *elb.HealthCheck {
	check := &elb.HealthCheck{
		Path:                    jsii.String(path),
		Interval:                awscdk.Duration_Seconds(jsii.Number(5)),
		Timeout:                 awscdk.Duration_Seconds(jsii.Number(4)),
		HealthyThresholdCount:   jsii.Number(2),
		UnhealthyThresholdCount: jsii.Number(2),
	}
	if grpcCodes != "" {
		check.HealthyGrpcCodes = jsii.String(grpcCodes)
	} else {
		check.HealthyHttpCodes = jsii.String("200")
	}
	return check
}

// logConnections records who connected to balancer and how, but not what was
// asked: access logs would write names of files and tokens of shares.
func (f floor) logConnections(scope constructs.Construct, id string, balancer elb.ApplicationLoadBalancer) {
	group := f.logs.Deliver(scope, id+"Connections", journal.Delivery{
		Source: balancer.LoadBalancerArn(), LogType: "ALB_CONNECTION_LOGS",
	})
	f.logs.Admit(constructs.NewConstruct(scope, jsii.String("Admitted")), group)
}
