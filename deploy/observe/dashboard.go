package observe

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudwatch "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/originproof"
)

// newDashboard has a row for each step of a request, in its order.
func newDashboard(stack awscdk.Stack, m metrics) {
	board := cloudwatch.NewDashboard(stack, jsii.String("Dashboard"), &cloudwatch.DashboardProps{
		DashboardName:   jsii.String("holdfast-" + string(m.cfg.Stage)),
		DefaultInterval: awscdk.Duration_Hours(jsii.Number(6)),
	})
	row := func(title string, graphs ...cloudwatch.IWidget) {
		heading := cloudwatch.NewTextWidget(&cloudwatch.TextWidgetProps{
			Markdown: jsii.String("## " + title), Width: jsii.Number(24), Height: jsii.Number(1),
			Background: cloudwatch.TextWidgetBackground_TRANSPARENT,
		})
		board.AddWidgets(heading)
		board.AddWidgets(graphs...)
	}
	row("Edge", m.edgeRow()...)
	row("Load balancers", m.balancerRow()...)
	row("Gateway, storage, metadata", m.serviceRow()...)
	row("Transfers", m.transferRow()...)
	row("Sweeper", m.sweeperRow()...)
	row("Records and blobs", m.storeRow()...)
}

// edgeRow searches CloudFront's metrics, which are in another region and under
// an id this stack doesn't know.
func (m metrics) edgeRow() []cloudwatch.IWidget {
	search := func(title, metric, statistic string) cloudwatch.IWidget {
		return graph(title, cloudwatch.NewSearchExpression(&cloudwatch.SearchExpressionProps{
			Expression:   jsii.String(fmt.Sprintf(`SEARCH('{AWS/CloudFront,DistributionId,Region} MetricName="%s"', '%s')`, metric, statistic)),
			SearchRegion: jsii.String(originproof.EdgeRegion), Label: jsii.String(" "),
		}))
	}
	firewall := cloudwatch.NewMetric(&cloudwatch.MetricProps{
		Namespace: jsii.String("AWS/WAFV2"), MetricName: jsii.String("BlockedRequests"), Statistic: jsii.String("Sum"),
		DimensionsMap: &dimensions{"WebACL": jsii.String("holdfast-" + string(m.cfg.Stage)), "Rule": jsii.String("ALL")},
		Region:        jsii.String(originproof.EdgeRegion), Label: jsii.String("blocked"),
	})
	return []cloudwatch.IWidget{
		search("Requests", "Requests", "Sum"), search("Server errors, %", "5xxErrorRate", "Average"),
		search("First byte, p50, ms", "OriginLatency", "p50"), graph("Firewall", firewall),
	}
}

func (m metrics) balancerRow() []cloudwatch.IWidget {
	widgets := []cloudwatch.IWidget{
		graph("Public: answers", m.publicALB("HTTPCode_Target_2XX_Count", "Sum"), m.publicALB("HTTPCode_Target_4XX_Count", "Sum"),
			m.publicALB("HTTPCode_Target_5XX_Count", "Sum"), m.publicALB("HTTPCode_ELB_5XX_Count", "Sum")),
		graph("Public: time to headers, s", m.publicALB("TargetResponseTime", "p50"), m.publicALB("TargetResponseTime", "p99")),
	}
	if m.compute.InternalALB != nil {
		widgets = append(widgets, graph("Internal: gRPC calls", m.internalALB("RequestCount", "Sum"), m.internalALB("HTTPCode_ELB_5XX_Count", "Sum")))
	}
	return append(widgets, graph("Healthy targets", m.each(m.healthyTargets)...))
}

func (m metrics) serviceRow() []cloudwatch.IWidget {
	of := func(name, statistic string) []cloudwatch.IMetric {
		return m.each(func(service string) cloudwatch.IMetric { return m.task(service, name, statistic) })
	}
	return []cloudwatch.IWidget{
		graph("CPU, %", of("CPUUtilization", "Average")...),
		graph("Memory, %", of("MemoryUtilization", "Maximum")...),
		graph("Tasks", m.each(m.running)...),
		graph("Time per call, s", m.own("gateway", contract.HTTPDuration, "Average"),
			m.own("storage", contract.RPCDuration, "Average"), m.own("metadata", contract.RPCDuration, "Average")),
	}
}

func (m metrics) transferRow() []cloudwatch.IWidget {
	return []cloudwatch.IWidget{
		graph("Bytes moved", m.own("storage", contract.TransferBytes, "Sum")),
		graph("Bytes in flight per task", m.own("storage", contract.InflightBytes, "Average"), m.own("storage", contract.InflightBytes, "Maximum")),
		graph("Open uploads", m.own("storage", contract.InflightUploads, "Sum")),
		graph("Retries, refusals, decisions, lost lines", m.own("storage", contract.ExtentRetries, "Sum"),
			m.own("metadata", contract.QuotaRefusals, "Sum"), m.own("metadata", contract.AccessDecisions, "Sum"),
			m.own("metadata", contract.AuditLost, "Sum")),
	}
}

func (m metrics) sweeperRow() []cloudwatch.IWidget {
	return []cloudwatch.IWidget{
		graph("Backlog", m.own("storage", contract.SweeperBacklog, "Maximum")),
		graph("Oldest, s", m.own("storage", contract.SweeperOldest, "Maximum")),
		graph("Deleted and failed", m.own("storage", contract.SweeperDeleted, "Sum"), m.own("storage", contract.SweeperFailed, "Sum")),
	}
}

func (m metrics) storeRow() []cloudwatch.IWidget {
	return []cloudwatch.IWidget{
		graph("Table: capacity used", m.table("ConsumedReadCapacityUnits"), m.table("ConsumedWriteCapacityUnits")),
		graph("Table: throttled", m.table("ReadThrottleEvents"), m.table("WriteThrottleEvents"), m.table("TransactionConflict")),
		graph("Table: latency, ms", m.tableCall("SuccessfulRequestLatency", "Query", "Average"),
			m.tableCall("SuccessfulRequestLatency", "GetItem", "Average"), m.tableCall("SuccessfulRequestLatency", "TransactWriteItems", "Average")),
		graph("Bucket", m.bucket("GetRequests"), m.bucket("PutRequests"), m.bucket("5xxErrors")),
	}
}

// each makes a metric of every service that has one.
func (m metrics) each(of func(service string) cloudwatch.IMetric) []cloudwatch.IMetric {
	var all []cloudwatch.IMetric
	for _, service := range services {
		if metric := of(service); metric != nil {
			all = append(all, metric)
		}
	}
	return all
}

func graph(title string, lines ...cloudwatch.IMetric) cloudwatch.IWidget {
	return cloudwatch.NewGraphWidget(&cloudwatch.GraphWidgetProps{
		Title: jsii.String(title), Left: &lines, Width: jsii.Number(6), Height: jsii.Number(6),
		LeftYAxis: &cloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
	})
}
