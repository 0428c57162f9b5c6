package reach

import (
	"slices"
	"strings"
)

// place is a subnet.
type place struct {
	id    string
	name  string // Isolated/eu-central-1a
	ways  []way
	table string // its route table
}

// way is where a subnet's route table sends a destination.
type way struct {
	to  string // CIDR, prefix list, or the name of a service with a gateway endpoint
	via string // internet-gateway, nat, the endpoint, or a passage
}

// passages lead to other networks, and from there back: by the property of a
// route that names them.
var passages = map[string]string{
	"VpcPeeringConnectionId": "peering", "TransitGatewayId": "transit-gateway", "NetworkInterfaceId": "interface",
	"InstanceId": "instance", "VpcEndpointId": "appliance", "CoreNetworkArn": "core-network",
}

// places are all subnets with the ways out of them.
func (w World) places() map[string]*place {
	all := map[string]*place{}
	w.each("AWS::EC2::Subnet", func(_ *stack, id string, p properties) {
		name := id
		for _, tag := range p.objects("Tags") {
			if tag.text("Key") == "aws-cdk:subnet-name" {
				name = tag.text("Value")
			}
		}
		all[id] = &place{id: id, name: name + "/" + p.text("AvailabilityZone")}
	})
	w.each("AWS::EC2::SubnetRouteTableAssociation", func(_ *stack, _ string, p properties) {
		if at := all[p.text("SubnetId")]; at != nil {
			at.table = p.text("RouteTableId")
		}
	})
	add := func(table string, to way) {
		for _, at := range all {
			if at.table == table {
				at.ways = append(at.ways, to)
			}
		}
	}
	w.each("AWS::EC2::Route", func(_ *stack, _ string, p properties) {
		to := p.text("DestinationCidrBlock") + p.text("DestinationIpv6CidrBlock") + p.text("DestinationPrefixListId")
		add(p.text("RouteTableId"), way{to, w.passage(p)})
	})
	w.each("AWS::EC2::VPCEndpoint", func(_ *stack, id string, p properties) {
		if p.text("VpcEndpointType") == "Interface" {
			return
		}
		for _, table := range p.texts("RouteTableIds") {
			add(table, way{serviceOf(p), id})
		}
	})
	return all
}

// passage is what a route leads through. What isn't known leads both ways.
func (w World) passage(route properties) string {
	if w.kind(route.text("GatewayId")) == "AWS::EC2::InternetGateway" {
		return "internet-gateway"
	}
	if route.text("NatGatewayId")+route.text("EgressOnlyInternetGatewayId") != "" {
		return "nat"
	}
	for property, name := range passages {
		if route.text(property) != "" {
			return name
		}
	}
	return "something"
}

// serviceOf is the last part of an endpoint's service: s3, logs, ecr.api.
func serviceOf(endpoint properties) string {
	parts := strings.SplitN(endpoint.text("ServiceName"), ".", 4)
	return parts[len(parts)-1]
}

// leads tells whether the place sends traffic for the destination through a
// passage of the kind.
func (at *place) leads(to string, kind func(via string) bool) bool {
	return slices.ContainsFunc(at.ways, func(w way) bool {
		if !kind(w.via) {
			return false
		}
		return w.to == to || strings.Contains(w.to, "/") && strings.Contains(to, "/") && meets(w.to, to)
	})
}

// outward tells whether connections may go out through it without a public
// address, twoWay whether they may come in as well.
func outward(via string) bool  { return via != "internet-gateway" }
func twoWay(via string) bool   { return via != "internet-gateway" && via != "nat" }
func internet(via string) bool { return via == "internet-gateway" }
