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

// Network is what later stacks see of the network. A stack reads only what it
// uses.
type Network struct {
	scope constructs.Construct
	cfg   config.Config
}

func publish(stack awscdk.Stack, cfg config.Config, vpc ec2.Vpc, groups map[Party]ec2.SecurityGroup) {
	handoff.Publish(stack, cfg, "vpc", vpc.VpcId())
	for i := range cfg.Zones {
		public, isolated := (*vpc.PublicSubnets())[i], (*vpc.IsolatedSubnets())[i]
		handoff.Publish(stack, cfg, "subnet/public/"+number(i), public.SubnetId())
		handoff.Publish(stack, cfg, "subnet/isolated/"+number(i), isolated.SubnetId())
		handoff.Publish(stack, cfg, "routes/isolated/"+number(i), isolated.RouteTable().RouteTableId())
	}
	for _, party := range parties(cfg) {
		// Endpoints are here, and clients have their group from the output.
		if party != Endpoints && party != Clients {
			handoff.Publish(stack, cfg, "group/"+string(party), groups[party].SecurityGroupId())
		}
	}
}

// Import is the network as seen from a later stack.
func Import(scope constructs.Construct, cfg config.Config) Network {
	return Network{scope: scope, cfg: cfg}
}

func (n Network) read(key string) *string { return handoff.Value(n.scope, n.cfg, key) }

func (n Network) zones(prefix string) *[]*string {
	var values []*string
	for i := range n.cfg.Zones {
		values = append(values, n.read(prefix+number(i)))
	}
	return &values
}

// Journal is where stacks of this region log.
func (n Network) Journal() journal.Journal { return journal.Open(n.cfg, n.read("log-key")) }

// ID is the VPC's.
func (n Network) ID() *string { return n.read("vpc") }

// Routes are the route tables of the isolated subnets.
func (n Network) Routes() *[]*string { return n.zones("routes/isolated/") }

// VPC has the public and the isolated subnets.
func (n Network) VPC() ec2.IVpc {
	vpc := ec2.Vpc_FromVpcAttributes(n.scope, jsii.String("VPC"), &ec2.VpcAttributes{
		VpcId:             n.ID(),
		VpcCidrBlock:      jsii.String(n.cfg.CIDR),
		AvailabilityZones: jsii.Strings(n.cfg.Zones...),
		PublicSubnetIds:   n.zones("subnet/public/"),
		IsolatedSubnetIds: n.zones("subnet/isolated/"),
	})
	awscdk.Annotations_Of(vpc).AcknowledgeWarning(jsii.String("@aws-cdk/aws-ec2:noSubnetRouteTableId"),
		jsii.String("Routes belong to the network's stack alone."))
	return vpc
}

// Group is the security group of party. Later stacks wear groups; their rules
// are written here alone.
func (n Network) Group(party Party) ec2.ISecurityGroup {
	return ec2.SecurityGroup_FromSecurityGroupId(n.scope, jsii.String(string(party)+"Group"),
		n.read("group/"+string(party)),
		&ec2.SecurityGroupImportOptions{Mutable: jsii.Bool(false)})
}

// Public selects the subnets of load balancers that face the internet.
func Public() *ec2.SubnetSelection {
	return &ec2.SubnetSelection{SubnetType: ec2.SubnetType_PUBLIC}
}

// Isolated selects the subnets of everything else.
func Isolated() *ec2.SubnetSelection {
	return &ec2.SubnetSelection{SubnetType: ec2.SubnetType_PRIVATE_ISOLATED}
}
