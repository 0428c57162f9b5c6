// Package topology puts the stacks of an installation together.
package topology

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/compute"
	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/data"
	"github.com/holdfast-files/holdfast/deploy/edge"
	"github.com/holdfast-files/holdfast/deploy/network"
	"github.com/holdfast-files/holdfast/deploy/observe"
	"github.com/holdfast-files/holdfast/deploy/originproof"
)

// Stacks of an installation, in the order they are deployed: each is cut where
// its life cycle ends.
type Stacks struct {
	Network awscdk.Stack // as old as the installation
	Data    awscdk.Stack // must outlive everything
	Compute awscdk.Stack // new with each release
	Edge    awscdk.Stack // us-east-1, after the origin it sends to
	Observe awscdk.Stack // can be thrown away
}

// Build adds the stacks of the installation cfg describes to app.
func Build(app awscdk.App, cfg config.Config) Stacks {
	prefix := "holdfast-" + string(cfg.Stage) + "-"
	in := func(region, what string) awscdk.StackProps {
		return awscdk.StackProps{
			Env:         &awscdk.Environment{Account: jsii.String(cfg.Account), Region: jsii.String(region)},
			Description: jsii.String("Holdfast " + string(cfg.Stage) + ": " + what),
			Tags:        &map[string]*string{"holdfast:stage": jsii.String(string(cfg.Stage))},
		}
	}
	s := Stacks{
		Network: network.NewStack(app, prefix+"network", cfg, in(cfg.Region, "network and its rules")),
		Data:    data.NewStack(app, prefix+"data", cfg, in(cfg.Region, "blobs and records")),
		Compute: compute.NewStack(app, prefix+"compute", cfg, in(cfg.Region, "services and load balancers")),
		Edge:    edge.NewStack(app, prefix+"edge", cfg, in(originproof.EdgeRegion, "what users reach")),
		Observe: observe.NewStack(app, prefix+"observability", cfg, in(cfg.Region, "dashboard and alarms")),
	}
	s.Data.AddStackDependency(s.Network, jsii.String("reads its parameters"))
	s.Compute.AddStackDependency(s.Data, jsii.String("reads its parameters"))
	s.Edge.AddStackDependency(s.Compute, jsii.String("the origin must accept the secret before the edge sends it"))
	s.Observe.AddStackDependency(s.Compute, jsii.String("reads its parameters"))
	return s
}

// List is all stacks in the order they are deployed.
func (s Stacks) List() []awscdk.Stack {
	return []awscdk.Stack{s.Network, s.Data, s.Compute, s.Edge, s.Observe}
}
