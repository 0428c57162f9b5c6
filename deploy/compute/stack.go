// Package compute runs the services: gateway, storage and metadata on Fargate,
// a public load balancer that only CloudFront gets through, and an internal one
// for gRPC callers inside the VPC.
package compute

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	discovery "github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/data"
	"github.com/holdfast-files/holdfast/deploy/journal"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// NewStack builds everything that runs and can be replaced at will.
func NewStack(scope constructs.Construct, id string, cfg config.Config, props awscdk.StackProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), &props)
	f := newFloor(stack, cfg)
	stores := data.Import(stack, cfg)
	secrets := newSecrets(stack, cfg)

	metadata := f.run(service{
		name: "metadata", party: network.Metadata, size: cfg.Services.Metadata,
		ports: []int{contract.MetadataPort, contract.LedgerPort}, found: true, sampler: contract.SampleBegun,
		flags: contract.MetadataFlags(stores.Table(), contract.Identity{
			Issuer: cfg.Identity.Issuer, Audience: cfg.Identity.Audience,
			Discovery:   cfg.Identity.Keys == config.KeysFromIssuer,
			GroupsClaim: cfg.Identity.GroupsClaim, AdminGroup: cfg.Identity.AdminGroup,
		}, cfg.Data.RecoveryDays+1, cfg.CIDR),
		secrets: secrets.ofMetadata(),
		may:     stores.UseRecords(),
	})
	storage := f.run(service{
		name: "storage", party: network.Storage, size: cfg.Services.Storage,
		ports: []int{contract.StoragePort}, found: true, sampler: contract.SampleBegun,
		flags:   contract.StorageFlags(stores.Bucket(), f.host("metadata"), cfg.Services.UploadMemoryMiB, cfg.CIDR),
		secrets: secrets.ofStorage(),
		may:     stores.UseBlobs(),
	})
	gateway := f.run(service{
		name: "gateway", party: network.Gateway, size: cfg.Services.Gateway,
		ports: []int{contract.GatewayPort}, sampler: contract.SampleOwn,
		flags: contract.GatewayFlags(f.host("metadata"), f.host("storage"), cfg.CIDR, cfg.CORSOrigins),
	})

	scaleOnCPU(metadata, cfg.Services.Metadata)
	scaleOnCPU(gateway, cfg.Services.Gateway)
	scaleStorage(storage, cfg)

	public := f.newPublicEntry(gateway)
	internal := f.newInternalEntry(metadata, storage)
	f.publish(public, internal, map[string]ecs.FargateService{
		"metadata": metadata, "storage": storage, "gateway": gateway,
	})
	return stack
}

// onDemand and spot are the kinds of room that Fargate has.
const (
	onDemand = "FARGATE"
	spot     = "FARGATE_SPOT"
)

// floor is what the services stand on.
type floor struct {
	stack     awscdk.Stack
	cfg       config.Config
	net       network.Network
	vpc       ec2.IVpc
	logs      journal.Journal
	cluster   ecs.Cluster
	providers ecs.CfnClusterCapacityProviderAssociations
	namespace discovery.PrivateDnsNamespace
	telemetry telemetry
	zone      route53.IHostedZone // the domain's; nil without one
}

func newFloor(stack awscdk.Stack, cfg config.Config) floor {
	net := network.Import(stack, cfg)
	vpc, logs := net.VPC(), net.Journal()
	var zone route53.IHostedZone
	if cfg.Domain != nil {
		zone = route53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &route53.HostedZoneAttributes{
			HostedZoneId: jsii.String(cfg.Domain.ZoneID), ZoneName: jsii.String(cfg.Domain.ZoneName),
		})
	}
	cluster := ecs.NewCluster(stack, jsii.String("Cluster"), &ecs.ClusterProps{
		Vpc:                 vpc,
		ContainerInsightsV2: ecs.ContainerInsights_ENHANCED,
	})
	return floor{
		stack: stack, cfg: cfg, net: net, vpc: vpc, logs: logs, cluster: cluster,
		providers: ecs.NewCfnClusterCapacityProviderAssociations(cluster, jsii.String("Cluster"), &ecs.CfnClusterCapacityProviderAssociationsProps{
			Cluster:                         cluster.ClusterName(),
			CapacityProviders:               &[]any{onDemand, spot},
			DefaultCapacityProviderStrategy: []any{},
		}),
		// Services find each other here. Clients hold connections to all
		// addresses and spread calls over them; nothing between the two has a
		// timeout that could cut a stream.
		namespace: discovery.NewPrivateDnsNamespace(stack, jsii.String("Names"), &discovery.PrivateDnsNamespaceProps{
			Name: jsii.String(string(cfg.Stage) + ".holdfast.internal"),
			Vpc:  vpc,
		}),
		telemetry: newTelemetry(stack, logs, cfg),
		zone:      zone,
	}
}

// host is the name under which a service's tasks are found.
func (f floor) host(service string) string {
	return service + "." + string(f.cfg.Stage) + ".holdfast.internal"
}
