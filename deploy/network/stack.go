// Package network is the ground everything stands on: a VPC whose only public
// things are load balancers, the security groups with every connection that is
// allowed, and private doors to the AWS services that tasks need.
package network

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/handoff"
	"github.com/holdfast-files/holdfast/deploy/journal"
)

// NewStack builds the network of an installation.
func NewStack(scope constructs.Construct, id string, cfg config.Config, props awscdk.StackProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), &props)
	// The library would look the zones up to check those it is given, and that
	// takes credentials.
	stack.Node().SetContext(jsii.String("availability-zones:account="+cfg.Account+":region="+cfg.Region), cfg.Zones)
	key := journal.NewKey(stack, cfg)
	logs := journal.Open(cfg, key.KeyArn())

	vpc := newVPC(stack, cfg, logs)
	groups := newGroups(stack, vpc, cfg)
	newEndpoints(stack, vpc, groups[Endpoints], cfg)
	if cfg.Identity.Keys == config.KeysFromIssuer {
		openIssuer(stack, vpc, cfg)
	}

	publish(stack, cfg, vpc, groups)
	handoff.Publish(stack, cfg, "log-key", key.KeyArn())
	if cfg.Domain != nil {
		awscdk.NewCfnOutput(stack, jsii.String("ClientsSecurityGroup"), &awscdk.CfnOutputProps{
			Description: jsii.String("Wear this group to call the gRPC entry from inside the VPC"),
			Value:       groups[Clients].SecurityGroupId(),
		})
	}
	return stack
}

// newVPC has public subnets for load balancers and isolated ones, without any
// route out, for all the rest.
func newVPC(stack awscdk.Stack, cfg config.Config, logs journal.Journal) ec2.Vpc {
	flows := logs.Group(stack, "FlowLog")
	return ec2.NewVpc(stack, jsii.String("VPC"), &ec2.VpcProps{
		IpAddresses:       ec2.IpAddresses_Cidr(jsii.String(cfg.CIDR)),
		AvailabilityZones: jsii.Strings(cfg.Zones...),
		NatGateways:       jsii.Number(0),
		// Nothing uses the default group; closing it would take a function.
		RestrictDefaultSecurityGroup: jsii.Bool(false),
		SubnetConfiguration: &[]*ec2.SubnetConfiguration{
			{Name: jsii.String("Public"), SubnetType: ec2.SubnetType_PUBLIC, CidrMask: jsii.Number(26), MapPublicIpOnLaunch: jsii.Bool(false)},
			{Name: jsii.String("Isolated"), SubnetType: ec2.SubnetType_PRIVATE_ISOLATED, CidrMask: jsii.Number(24)},
		},
		FlowLogs: &map[string]*ec2.FlowLogOptions{"All": {
			Destination: ec2.FlowLogDestination_ToCloudWatchLogs(flows.ILogGroup, nil),
			TrafficType: ec2.FlowLogTrafficType_ALL,
		}},
	})
}

// openIssuer routes the identity provider's addresses, and no others, through
// a NAT gateway. Which task may use the route is in the security groups.
func openIssuer(stack awscdk.Stack, vpc ec2.Vpc, cfg config.Config) {
	address := ec2.NewCfnEIP(stack, jsii.String("IssuerAddress"), &ec2.CfnEIPProps{Domain: jsii.String("vpc")})
	nat := ec2.NewCfnNatGateway(stack, jsii.String("IssuerNAT"), &ec2.CfnNatGatewayProps{
		SubnetId:     (*vpc.PublicSubnets())[0].SubnetId(),
		AllocationId: address.AttrAllocationId(),
	})
	// Neither can be made before the internet gateway is attached, nor that be
	// detached before they are gone; nothing that they refer to says so. The VPC's
	// own word for it is the gateway without its attachment; the subnet's is the
	// route, which waits for that.
	connected := (*vpc.PublicSubnets())[0].InternetConnectivityEstablished()
	address.Node().AddDependency(connected)
	nat.Node().AddDependency(connected)
	for i, subnet := range *vpc.IsolatedSubnets() {
		for j, block := range cfg.Identity.Ranges {
			ec2.NewCfnRoute(stack, jsii.String("IssuerRoute"+number(i)+"x"+number(j)), &ec2.CfnRouteProps{
				RouteTableId:         subnet.RouteTable().RouteTableId(),
				DestinationCidrBlock: jsii.String(block),
				NatGatewayId:         nat.Ref(),
			})
		}
	}
}
