// Package observe is where an operator looks: one dashboard that reads from the
// edge to the data, and alarms on what users notice. It holds nothing that
// can't be thrown away.
package observe

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/alarm"
	"github.com/holdfast-files/holdfast/deploy/compute"
	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/data"
)

// NewStack builds the dashboard and the alarms of an installation's region.
func NewStack(scope constructs.Construct, id string, cfg config.Config, props awscdk.StackProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String(id), &props)
	m := metrics{cfg: cfg, compute: compute.Import(stack, cfg), data: data.Import(stack, cfg)}

	newDashboard(stack, m)
	bell := alarm.NewBell(stack, cfg)
	ringForUsers(bell, m)
	ringForServices(bell, m)
	ringForStores(bell, m)
	newBudget(stack, cfg)
	return stack
}
