package network

import (
	"fmt"
	"strconv"
	"strings"

	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// Party is one security group: who opens or takes connections.
type Party string

// The parties inside the VPC.
const (
	PublicALB   Party = "PublicALB"
	InternalALB Party = "InternalALB"
	Gateway     Party = "Gateway"
	Metadata    Party = "Metadata"
	Storage     Party = "Storage"
	Endpoints   Party = "Endpoints" // interface endpoints of AWS services
	Clients     Party = "Clients"   // whatever in the VPC is to call gRPC
)

// parties are those an installation has. Without a domain there is no internal
// load balancer, and no one to call it.
func parties(cfg config.Config) []Party {
	all := []Party{PublicALB, Gateway, Metadata, Storage, Endpoints}
	if cfg.Domain != nil {
		all = append(all, InternalALB, Clients)
	}
	return all
}

// flow is one allowed connection. Either end may be outside the VPC: a managed
// prefix list or an address block.
type flow struct {
	from, to string
	port     int
	why      string
}

// flows are all connections there are. Everything else is closed in both
// directions.
func flows(cfg config.Config) []flow {
	lists := cfg.PrefixLists
	origin := flow{lists.CloudFront, string(PublicALB), 443, "CloudFront calls the origin"}
	if cfg.Domain == nil {
		origin.port = 80
	}
	all := []flow{
		origin,
		{string(PublicALB), string(Gateway), contract.GatewayPort, "REST"},
		{string(Gateway), string(Metadata), contract.MetadataPort, "JSON calls"},
		{string(Gateway), string(Storage), contract.StoragePort, "bytes"},
		{string(Storage), string(Metadata), contract.LedgerPort, "the ledger"},
		{string(Metadata), lists.DynamoDB, 443, "records"},
		{string(Storage), lists.S3, 443, "blobs, and layers of its image"},
		{string(Metadata), lists.S3, 443, "layers of its image"},
		{string(Gateway), lists.S3, 443, "layers of its image"},
		{string(Metadata), string(Endpoints), 443, "image, secrets, logs, traces"},
		{string(Storage), string(Endpoints), 443, "image, secrets, logs, traces"},
		{string(Gateway), string(Endpoints), 443, "image, logs, traces"},
	}
	if cfg.Domain != nil {
		all = append(all,
			flow{string(Clients), string(InternalALB), 443, "gRPC inside the VPC"},
			flow{string(InternalALB), string(Metadata), contract.MetadataPort, "gRPC, by service path"},
			flow{string(InternalALB), string(Storage), contract.StoragePort, "gRPC, by service path"},
		)
	}
	if cfg.Identity.Keys == config.KeysFromIssuer {
		for _, block := range cfg.Identity.Ranges {
			all = append(all, flow{string(Metadata), block, 443, "keys of the identity provider"})
		}
	}
	return all
}

// newGroups makes the security groups and their rules: for each flow one rule
// where it leaves and one where it arrives.
func newGroups(scope constructs.Construct, vpc ec2.Vpc, cfg config.Config) map[Party]ec2.SecurityGroup {
	groups := map[Party]ec2.SecurityGroup{}
	for _, party := range parties(cfg) {
		groups[party] = ec2.NewSecurityGroup(scope, jsii.String(string(party)), &ec2.SecurityGroupProps{
			Vpc:                  vpc,
			Description:          jsii.String("Holdfast " + string(cfg.Stage) + ": " + string(party)),
			AllowAllOutbound:     jsii.Bool(false),
			AllowAllIpv6Outbound: jsii.Bool(false),
		})
	}
	for _, f := range flows(cfg) {
		f.open(scope, groups)
	}
	return groups
}

func (f flow) open(scope constructs.Construct, groups map[Party]ec2.SecurityGroup) {
	from, to := groups[Party(f.from)], groups[Party(f.to)]
	id := fmt.Sprintf("%sTo%s%d", label(f.from), label(f.to), f.port)
	if from != nil {
		rule := &ec2.CfnSecurityGroupEgressProps{
			GroupId: from.SecurityGroupId(), Description: jsii.String(f.why),
			IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(f.port), ToPort: jsii.Number(f.port),
		}
		switch {
		case to != nil:
			rule.DestinationSecurityGroupId = to.SecurityGroupId()
		case strings.HasPrefix(f.to, "pl-"):
			rule.DestinationPrefixListId = jsii.String(f.to)
		default:
			rule.CidrIp = jsii.String(f.to)
		}
		ec2.NewCfnSecurityGroupEgress(scope, jsii.String(id+"Out"), rule)
	}
	if to != nil {
		rule := &ec2.CfnSecurityGroupIngressProps{
			GroupId: to.SecurityGroupId(), Description: jsii.String(f.why),
			IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(f.port), ToPort: jsii.Number(f.port),
		}
		if from != nil {
			rule.SourceSecurityGroupId = from.SecurityGroupId()
		} else {
			rule.SourcePrefixListId = jsii.String(f.from)
		}
		ec2.NewCfnSecurityGroupIngress(scope, jsii.String(id+"In"), rule)
	}
}

// label makes a construct id of an end of a flow.
func label(end string) string {
	return strings.NewReplacer("-", "", ".", "x", "/", "m").Replace(end)
}

func number(n int) string { return strconv.Itoa(n) }
