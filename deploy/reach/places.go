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
	to  string // CIDR, or the name of a service with a gateway endpoint
	via string // internet-gateway, nat, or the endpoint
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
		via := "something"
		switch {
		case p.text("GatewayId") != "":
			via = "internet-gateway"
		case p.text("NatGatewayId") != "":
			via = "nat"
		}
		add(p.text("RouteTableId"), way{p.text("DestinationCidrBlock") + p.text("DestinationIpv6CidrBlock"), via})
	})
	w.each("AWS::EC2::VPCEndpoint", func(_ *stack, id string, p properties) {
		if p.text("VpcEndpointType") != "Gateway" {
			return
		}
		for _, table := range p.texts("RouteTableIds") {
			add(table, way{serviceOf(p), id})
		}
	})
	return all
}

// serviceOf is the last part of an endpoint's service: s3, logs, ecr.api.
func serviceOf(endpoint properties) string {
	parts := strings.SplitN(endpoint.text("ServiceName"), ".", 4)
	return parts[len(parts)-1]
}

// has tells whether the place sends traffic for the destination through one of
// vias (any, if none is given).
func (at *place) has(to string, vias ...string) bool {
	return slices.ContainsFunc(at.ways, func(w way) bool {
		if len(vias) > 0 && !slices.Contains(vias, w.via) {
			return false
		}
		return w.to == to || strings.Contains(w.to, "/") && strings.Contains(to, "/") && meets(w.to, to)
	})
}
