package observe

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudwatch "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/compute"
	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/data"
)

// services in the order a request meets them.
var services = []string{"gateway", "storage", "metadata"}

// metrics makes the metrics of one installation.
type metrics struct {
	cfg     config.Config
	compute compute.Compute
	data    data.Data
}

type dimensions = map[string]*string

func (m metrics) metric(namespace, name, statistic, label string, d dimensions) cloudwatch.IMetric {
	return cloudwatch.NewMetric(&cloudwatch.MetricProps{
		Namespace: jsii.String(namespace), MetricName: jsii.String(name), Statistic: jsii.String(statistic),
		Label: jsii.String(label), DimensionsMap: &d, Period: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}

// own is a metric that the services emit themselves.
func (m metrics) own(service, name, statistic string) cloudwatch.IMetric {
	return m.metric(contract.Namespace, name, statistic, service, dimensions{
		contract.ServiceDimension: jsii.String(service), "stage": jsii.String(string(m.cfg.Stage)),
	})
}

func (m metrics) publicALB(name, statistic string) cloudwatch.IMetric {
	return m.metric("AWS/ApplicationELB", name, statistic, name, dimensions{"LoadBalancer": m.compute.PublicALB})
}

func (m metrics) internalALB(name, statistic string) cloudwatch.IMetric {
	return m.metric("AWS/ApplicationELB", name, statistic, name, dimensions{"LoadBalancer": m.compute.InternalALB})
}

// healthyTargets counts the tasks a load balancer sends to; nil for a service
// that none does.
func (m metrics) healthyTargets(service string) cloudwatch.IMetric {
	balancer, group := m.compute.PublicALB, m.compute.GatewayTargets
	if service != "gateway" {
		balancer, group = m.compute.InternalALB, m.compute.InternalTargets[service]
	}
	if group == nil {
		return nil
	}
	return m.metric("AWS/ApplicationELB", "HealthyHostCount", "Minimum", service, dimensions{"LoadBalancer": balancer, "TargetGroup": group})
}

func (m metrics) task(service, name, statistic string) cloudwatch.IMetric {
	return m.metric("AWS/ECS", name, statistic, service, dimensions{
		"ClusterName": m.compute.Cluster, "ServiceName": m.compute.Services[service],
	})
}

func (m metrics) running(service string) cloudwatch.IMetric {
	return m.metric("ECS/ContainerInsights", "RunningTaskCount", "Minimum", service, dimensions{
		"ClusterName": m.compute.Cluster, "ServiceName": m.compute.Services[service],
	})
}

// table sums up what happened to the table in a minute.
func (m metrics) table(name string) cloudwatch.IMetric {
	return m.metric("AWS/DynamoDB", name, "Sum", name, dimensions{"TableName": jsii.String(m.data.Table())})
}

func (m metrics) tableCall(name, operation, statistic string) cloudwatch.IMetric {
	return m.metric("AWS/DynamoDB", name, statistic, operation, dimensions{
		"TableName": jsii.String(m.data.Table()), "Operation": jsii.String(operation),
	})
}

// bucket sums up what happened to the bucket in a minute.
func (m metrics) bucket(name string) cloudwatch.IMetric {
	return m.metric("AWS/S3", name, "Sum", name, dimensions{
		"BucketName": jsii.String(m.data.Bucket()), "FilterId": jsii.String("All"),
	})
}
