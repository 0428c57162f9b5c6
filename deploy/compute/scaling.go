package compute

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	scaling "github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	cloudwatch "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// Scaling out is quick, scaling in slow: a task that goes takes connections
// with it.
const (
	scaleOutSeconds = 30
	scaleInSeconds  = 600
)

// fixedCount is nil for a service that scales: a count in the template would
// put it back to the minimum with each release, under the load it grew by.
// Without one a release leaves the count alone. A service that is new starts
// with one task; the minimum comes as soon as its scaling is registered.
func fixedCount(size config.Service) *float64 {
	if size.MinTasks != size.MaxTasks {
		return nil
	}
	return jsii.Number(size.MinTasks)
}

// scaleOnCPU is for services whose requests are short. It is nil for a service
// of a fixed size.
func scaleOnCPU(service ecs.FargateService, size config.Service) ecs.ScalableTaskCount {
	if size.MinTasks == size.MaxTasks {
		return nil
	}
	count := service.AutoScaleTaskCount(&scaling.EnableScalingProps{
		MinCapacity: jsii.Number(size.MinTasks), MaxCapacity: jsii.Number(size.MaxTasks),
	})
	count.ScaleOnCpuUtilization(jsii.String("CPU"), &ecs.CpuUtilizationScalingProps{
		TargetUtilizationPercent: jsii.Number(60),
		ScaleOutCooldown:         awscdk.Duration_Seconds(jsii.Number(scaleOutSeconds)),
		ScaleInCooldown:          awscdk.Duration_Seconds(jsii.Number(scaleInSeconds)),
	})
	return count
}

// scaleAtShare is how full the memory of uploads is when storage scales out.
const scaleAtShare = 0.6

// scaleStorage also follows the bytes in flight: a few slow, long uploads fill
// a task's memory for them while its CPU idles, and count as few requests.
func scaleStorage(service ecs.FargateService, cfg config.Config) {
	count := scaleOnCPU(service, cfg.Services.Storage)
	if count == nil {
		return
	}
	count.ScaleToTrackCustomMetric(jsii.String("InflightBytes"), &ecs.TrackCustomMetricProps{
		Metric: cloudwatch.NewMetric(&cloudwatch.MetricProps{
			Namespace:  jsii.String(contract.Namespace),
			MetricName: jsii.String(contract.InflightBytes),
			DimensionsMap: &map[string]*string{
				contract.ServiceDimension: jsii.String("storage"),
				stageDimension:            jsii.String(string(cfg.Stage)),
			},
			Statistic: cloudwatch.Stats_AVERAGE(), // over the tasks that report
			Period:    awscdk.Duration_Minutes(jsii.Number(1)),
		}),
		TargetValue:      jsii.Number(scaleAtShare * float64(cfg.Services.UploadMemoryMiB<<20)),
		ScaleOutCooldown: awscdk.Duration_Seconds(jsii.Number(scaleOutSeconds)),
		ScaleInCooldown:  awscdk.Duration_Seconds(jsii.Number(scaleInSeconds)),
	})
}
