package compute

import (
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/handoff"
)

// Compute is the names by which CloudWatch knows what runs here.
type Compute struct {
	Cluster         *string
	Services        map[string]*string // by "metadata", "storage", "gateway"
	PublicALB       *string
	GatewayTargets  *string
	InternalALB     *string // nil without an internal entry
	InternalTargets map[string]*string
}

var serviceNames = []string{"gateway", "metadata", "storage"}

func (f floor) publish(public entry, internal *entry, services map[string]ecs.FargateService) {
	put := func(key string, value *string) { handoff.Publish(f.stack, f.cfg, key, value) }
	put("cluster", f.cluster.ClusterName())
	for _, name := range serviceNames {
		put("service/"+name, services[name].ServiceName())
	}
	put("public-alb", public.balancer.LoadBalancerFullName())
	put("public-targets/gateway", public.targets["gateway"].TargetGroupFullName())
	if f.cfg.Domain == nil {
		put("public-alb-name", public.balancer.LoadBalancerDnsName())
	}
	if internal != nil {
		put("internal-alb", internal.balancer.LoadBalancerFullName())
		for _, name := range sortedKeys(internal.targets) {
			put("internal-targets/"+name, internal.targets[name].TargetGroupFullName())
		}
	}
}

// Import is compute as seen from a later stack.
func Import(scope constructs.Construct, cfg config.Config) Compute {
	read := func(key string) *string { return handoff.Value(scope, cfg, key) }
	c := Compute{
		Cluster: read("cluster"), PublicALB: read("public-alb"), GatewayTargets: read("public-targets/gateway"),
		Services: map[string]*string{}, InternalTargets: map[string]*string{},
	}
	for _, name := range serviceNames {
		c.Services[name] = read("service/" + name)
	}
	if cfg.Domain != nil {
		c.InternalALB = read("internal-alb")
		for _, name := range []string{"metadata", "storage"} {
			c.InternalTargets[name] = read("internal-targets/" + name)
		}
	}
	return c
}
