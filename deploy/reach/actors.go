package reach

import (
	"slices"
	"strconv"
	"strings"
)

// actor opens or takes connections.
type actor struct {
	name    string
	groups  []string // security groups worn
	subnets []string
	listens []int
	public  bool // has a public address

	// Outside the VPC: exactly one is set.
	block string
	list  string

	stranger bool   // anything else in the VPC, open in both directions
	endpoint string // the interface endpoint it is
}

func (a actor) outside() bool { return a.block != "" || a.list != "" }

// address is what routes to an actor outside the VPC have to cover. Where the
// addresses of a list are isn't known.
func (a actor) address() string {
	if a.list != "" {
		return "0.0.0.0/0"
	}
	return a.block
}

// actors are everything with an address: load balancers, services, interface
// endpoints, groups that nobody here wears, every block and list a rule names,
// the internet, and a stranger in the VPC.
func (w World) actors(rules []rule) []actor {
	all := w.balancers()
	all = append(all, w.services()...)
	w.each("AWS::EC2::VPCEndpoint", func(_ *stack, id string, p properties) {
		if p.text("VpcEndpointType") == "Interface" {
			all = append(all, actor{
				name: "endpoint:" + serviceOf(p), groups: worn(p.texts("SecurityGroupIds")),
				subnets: p.texts("SubnetIds"), listens: []int{443}, endpoint: id,
			})
		}
	})
	w.each("AWS::EC2::SecurityGroup", func(_ *stack, id string, _ properties) {
		worn := slices.ContainsFunc(all, func(a actor) bool { return slices.Contains(a.groups, id) })
		if !worn {
			all = append(all, actor{name: "wearers of " + id, groups: []string{id}})
		}
	})
	all = append(all, actor{name: "internet", block: "0.0.0.0/0"}, actor{name: "stranger in the VPC", stranger: true})
	known := map[string]bool{"0.0.0.0/0": true, "255.255.255.255/32": true}
	for _, r := range rules {
		if at := r.peer.block + r.peer.list; at != "" && !known[at] {
			known[at] = true
			all = append(all, actor{name: w.external(at), block: r.peer.block, list: r.peer.list})
		}
	}
	return all
}

func (w World) external(at string) string {
	if name, ok := w.names[at]; ok {
		return name
	}
	return at
}

func (w World) balancers() []actor {
	var all []actor
	w.each("AWS::ElasticLoadBalancingV2::LoadBalancer", func(_ *stack, id string, p properties) {
		a := actor{name: w.balancer(id), groups: worn(p.texts("SecurityGroups")), subnets: p.texts("Subnets"), public: p.text("Scheme") == "internet-facing"}
		w.each("AWS::ElasticLoadBalancingV2::Listener", func(_ *stack, _ string, listener properties) {
			if listener.text("LoadBalancerArn") == id {
				port, _ := strconv.Atoi(listener.text("Port"))
				a.listens = append(a.listens, port)
			}
		})
		all = append(all, a)
	})
	return all
}

// balancer is a short name: compute/PublicEntryBalancer is public-alb.
func (w World) balancer(id string) string {
	short := strings.TrimSuffix(id[strings.LastIndex(id, "/")+1:], "EntryBalancer")
	return strings.ToLower(short) + "-alb"
}

func (w World) services() []actor {
	var all []actor
	w.each("AWS::ECS::Service", func(_ *stack, id string, p properties) {
		net := properties{p.w, p.s, nil}
		for _, found := range p.objects("NetworkConfiguration", "AwsvpcConfiguration") {
			net = found
		}
		task := w.task(p.text("TaskDefinition"))
		a := actor{
			name: task.name, groups: worn(net.texts("SecurityGroups")), subnets: net.texts("Subnets"),
			public: net.text("AssignPublicIp") == "ENABLED", listens: task.ports,
		}
		if a.name == "" {
			a.name = id
		}
		all = append(all, a)
	})
	return all
}

// task is what reach needs to know of a task definition.
type task struct {
	name    string // of its first container
	ports   []int
	role    string // the process's
	starter string // the role that starts it
}

func (w World) task(id string) task {
	var t task
	w.each("AWS::ECS::TaskDefinition", func(_ *stack, found string, p properties) {
		if found != id {
			return
		}
		t.role, t.starter = p.text("TaskRoleArn"), p.text("ExecutionRoleArn")
		for _, container := range p.objects("ContainerDefinitions") {
			if t.name == "" {
				t.name = container.text("Name")
			}
			for _, mapping := range container.objects("PortMappings") {
				port, _ := strconv.Atoi(mapping.text("ContainerPort"))
				t.ports = append(t.ports, port)
			}
		}
	})
	return t
}
