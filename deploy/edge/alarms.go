package edge

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudfront "github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	cloudwatch "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/alarm"
	"github.com/holdfast-files/holdfast/deploy/config"
)

// newAlarms watches what users see at the edge, from outside if there is a
// canary. CloudFront's and Route 53's metrics are in this region alone.
func newAlarms(stack awscdk.Stack, cfg config.Config, site cloudfront.Distribution, canary route53.CfnHealthCheck) {
	bell := alarm.NewBell(stack, cfg)
	metric := func(name, statistic string) cloudwatch.IMetric {
		return cloudwatch.NewMetric(&cloudwatch.MetricProps{
			Namespace: jsii.String("AWS/CloudFront"), MetricName: jsii.String(name), Statistic: jsii.String(statistic),
			DimensionsMap: &map[string]*string{"DistributionId": site.DistributionId(), "Region": jsii.String("Global")},
			Period:        awscdk.Duration_Minutes(jsii.Number(1)),
		})
	}
	if canary != nil {
		bell.Ring("Unreachable", "The public URL does not answer from outside. Look at the firewall, the load balancer's targets, the gateway's log.", alarm.When{
			Metric: cloudwatch.NewMetric(&cloudwatch.MetricProps{
				Namespace: jsii.String("AWS/Route53"), MetricName: jsii.String("HealthCheckStatus"), Statistic: jsii.String("Minimum"),
				DimensionsMap: &map[string]*string{"HealthCheckId": canary.AttrHealthCheckId()},
				Period:        awscdk.Duration_Minutes(jsii.Number(1)),
			}),
			Under: 1, Silence: true,
		})
	}
	bell.Ring("ErrorsAtTheEdge", "More than 1 % of requests end in a server error.",
		alarm.When{Metric: metric("5xxErrorRate", "Average"), Over: 1, Minutes: 5})
	bell.Ring("SlowAtTheEdge", "Half of the requests wait longer than 2 s for the first byte.",
		alarm.When{Metric: metric("OriginLatency", "p50"), Over: 2000, Minutes: 10})
	bell.Ring("RunawayRequests", "Ten times the requests one address may send, for a quarter of an hour: somebody pays for this.",
		alarm.When{Metric: metric("Requests", "Sum"), Over: float64(cfg.Limits.RequestsPerIP) * 10 / 5, Minutes: 15})
	bell.Ring("AttackStopped", "The firewall stops unusually many requests.", alarm.When{
		Metric: cloudwatch.NewMetric(&cloudwatch.MetricProps{
			Namespace: jsii.String("AWS/WAFV2"), MetricName: jsii.String("BlockedRequests"), Statistic: jsii.String("Sum"),
			DimensionsMap: &map[string]*string{"WebACL": jsii.String("holdfast-" + string(cfg.Stage)), "Rule": jsii.String("ALL")},
			Period:        awscdk.Duration_Minutes(jsii.Number(1)),
		}),
		Over: 1000, Minutes: 10,
	})
}
