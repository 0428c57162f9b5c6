package observe

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbudgets"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// newBudget writes to the operator when the month's bill is forecast to exceed
// what was planned.
func newBudget(stack awscdk.Stack, cfg config.Config) {
	if cfg.MonthlyBudgetUSD == 0 {
		return
	}
	awsbudgets.NewCfnBudget(stack, jsii.String("Budget"), &awsbudgets.CfnBudgetProps{
		Budget: &awsbudgets.CfnBudget_BudgetDataProperty{
			BudgetType: jsii.String("COST"), TimeUnit: jsii.String("MONTHLY"),
			BudgetLimit: &awsbudgets.CfnBudget_SpendProperty{Amount: jsii.Number(cfg.MonthlyBudgetUSD), Unit: jsii.String("USD")},
		},
		NotificationsWithSubscribers: []any{&awsbudgets.CfnBudget_NotificationWithSubscribersProperty{
			Notification: &awsbudgets.CfnBudget_NotificationProperty{
				NotificationType: jsii.String("FORECASTED"), ComparisonOperator: jsii.String("GREATER_THAN"), Threshold: jsii.Number(100),
			},
			Subscribers: []any{&awsbudgets.CfnBudget_SubscriberProperty{
				SubscriptionType: jsii.String("EMAIL"), Address: jsii.String(cfg.AlarmEmail),
			}},
		}},
	})
}
