package compute

import (
	_ "embed"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/journal"
)

// CollectorConfig is the configuration of the collector beside each service.
//
//go:embed collector/collector.yaml
var CollectorConfig string

const (
	// stageDimension tells installations in one account apart.
	stageDimension = "stage"
	// collectorMiB is what the collector may take of a task's memory.
	collectorMiB = 192
	// logBacklogMiB is what of a container's log may wait to be sent.
	logBacklogMiB = 25
)

// telemetry is where metrics and the collectors' own logs go. CloudWatch turns
// the records in log into metrics; traces go to X-Ray.
type telemetry struct {
	cfg config.Config
	log journal.Group
}

func newTelemetry(stack awscdk.Stack, logs journal.Journal, cfg config.Config) telemetry {
	return telemetry{cfg: cfg, log: logs.Group(stack, "MetricsLog")}
}

// addCollector puts the collector into task. It may fail without taking the
// service with it, and is started again.
func (t telemetry) addCollector(task ecs.FargateTaskDefinition, image ecs.ContainerImage) {
	settings := strings.NewReplacer("${LOG_GROUP}", *t.log.LogGroupName(), "${REGION}", t.cfg.Region).Replace(CollectorConfig)
	task.AddContainer(jsii.String("collector"), &ecs.ContainerDefinitionOptions{
		Image:                  image,
		Environment:            &map[string]*string{"AOT_CONFIG_CONTENT": jsii.String(settings)},
		Essential:              jsii.Bool(false),
		EnableRestartPolicy:    jsii.Bool(true),
		ReadonlyRootFilesystem: jsii.Bool(true),
		MemoryLimitMiB:         jsii.Number(collectorMiB),
		User:                   jsii.String("65532:65532"),
		HealthCheck:            &ecs.HealthCheck{Command: jsii.Strings("CMD", "/healthcheck")},
		Logging:                logTo(t.log, "collector"),
	})
}

// logTo sends what a container writes to log. It never waits for CloudWatch: a
// call whose line of the audit log had to would stand still, and with it the only
// way to the data, while just its log can't be delivered. What is beyond the
// backlog then is lost, and the process doesn't learn of it.
func logTo(log journal.Group, name string) ecs.LogDriver {
	return ecs.LogDriver_AwsLogs(&ecs.AwsLogDriverProps{
		LogGroup: log.ILogGroup, StreamPrefix: jsii.String(name),
		Mode: ecs.AwsLogDriverMode_NON_BLOCKING, MaxBufferSize: awscdk.Size_Mebibytes(jsii.Number(logBacklogMiB)),
	})
}

// may is what the collector does with the task's role.
func (t telemetry) may() []iam.PolicyStatement {
	return []iam.PolicyStatement{
		allow("Metrics", []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
			t.log.ARN, t.log.Streams),
		allow("Traces", []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, jsii.String("*")),
	}
}
