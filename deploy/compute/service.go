package compute

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	ec2 "github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	iam "github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	secretsmanager "github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	discovery "github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/contract"
	"github.com/holdfast-files/holdfast/deploy/journal"
	"github.com/holdfast-files/holdfast/deploy/network"
)

// service is what differs between the three.
type service struct {
	name    string
	party   network.Party
	size    config.Service
	ports   []int
	flags   []string
	sampler string
	found   bool                              // whether other services call it by name
	secrets map[string]secretsmanager.ISecret // by variable
	may     []iam.PolicyStatement
}

// run makes the service: its tasks, the roles they have and the name they are
// found by.
func (f floor) run(s service) ecs.FargateService {
	scope := constructs.NewConstruct(f.stack, jsii.String(title(s.name)))
	log := f.logs.Group(scope, "Log")
	task := ecs.NewFargateTaskDefinition(scope, jsii.String("Task"), &ecs.FargateTaskDefinitionProps{
		Cpu:            jsii.Number(s.size.CPU),
		MemoryLimitMiB: jsii.Number(s.size.MemoryMiB),
		RuntimePlatform: &ecs.RuntimePlatform{
			CpuArchitecture:       ecs.CpuArchitecture_ARM64(),
			OperatingSystemFamily: ecs.OperatingSystemFamily_LINUX(),
		},
		ExecutionRole: f.executionRole(scope, s, log),
		TaskRole:      f.taskRole(scope, s),
	})
	container := task.AddContainer(jsii.String(s.name), f.container(scope, s, log))
	for _, port := range s.ports {
		container.AddPortMappings(&ecs.PortMapping{ContainerPort: jsii.Number(port)})
	}
	f.telemetry.addCollector(task, f.image(scope, "collector"))

	provider := onDemand
	if f.cfg.Services.Spot {
		provider = spot
	}
	running := ecs.NewFargateService(scope, jsii.String("Service"), &ecs.FargateServiceProps{
		Cluster:                    f.cluster,
		TaskDefinition:             task,
		DesiredCount:               fixedCount(s.size),
		CapacityProviderStrategies: &[]*ecs.CapacityProviderStrategy{{CapacityProvider: jsii.String(provider), Weight: jsii.Number(1)}},
		// New tasks are healthy before old ones go.
		MinHealthyPercent: jsii.Number(100),
		MaxHealthyPercent: jsii.Number(200),
		CircuitBreaker:    &ecs.DeploymentCircuitBreaker{Enable: jsii.Bool(true), Rollback: jsii.Bool(true)},
		SecurityGroups:    &[]ec2.ISecurityGroup{f.net.Group(s.party)},
		VpcSubnets:        network.Isolated(),
		AssignPublicIp:    jsii.Bool(false),
		PropagateTags:     ecs.PropagatedTagSource_SERVICE,
	})
	// Providers that have tasks can't be taken from the cluster: on the way out
	// the service goes first.
	running.Node().AddDependency(f.providers)
	if s.found {
		running.EnableCloudMap(&ecs.CloudMapOptions{
			CloudMapNamespace: f.namespace,
			Name:              jsii.String(s.name),
			DnsRecordType:     discovery.DnsRecordType_A,
			DnsTtl:            awscdk.Duration_Seconds(jsii.Number(10)),
		})
	}
	return running
}

func (f floor) container(scope constructs.Construct, s service, log journal.Group) *ecs.ContainerDefinitionOptions {
	secrets := map[string]ecs.Secret{}
	for variable, secret := range s.secrets {
		secrets[variable] = ecs.Secret_FromSecretsManager(secret, nil)
	}
	return &ecs.ContainerDefinitionOptions{
		Image:   f.image(scope, s.name),
		Command: jsii.Strings(s.flags...),
		Secrets: &secrets,
		Environment: &map[string]*string{
			contract.TelemetryVariable: jsii.String(contract.TelemetryEndpoint),
			"OTEL_SERVICE_NAME":        jsii.String(s.name),
			"OTEL_RESOURCE_ATTRIBUTES": jsii.String(stageDimension + "=" + string(f.cfg.Stage)),
			contract.SamplerVariable:   jsii.String(s.sampler),
			contract.ShareVariable:     jsii.String(strconv.FormatFloat(f.cfg.TraceShare, 'f', -1, 64)),
			// The runtime collects before the kernel kills; the collector and
			// what Go doesn't count need the rest.
			contract.MemoryVariable: jsii.String(fmt.Sprintf("%dMiB", (s.size.MemoryMiB-collectorMiB)*85/100)),
		},
		Essential:              jsii.Bool(true),
		ReadonlyRootFilesystem: jsii.Bool(true),
		User:                   jsii.String("65532:65532"),
		StopTimeout:            awscdk.Duration_Seconds(jsii.Number(contract.StopSeconds)),
		HealthCheck: &ecs.HealthCheck{
			Command:     jsii.Strings(contract.HealthCommand(s.name)...),
			Interval:    awscdk.Duration_Seconds(jsii.Number(10)),
			Timeout:     awscdk.Duration_Seconds(jsii.Number(5)),
			Retries:     jsii.Number(3),
			StartPeriod: awscdk.Duration_Seconds(jsii.Number(15)),
		},
		Ulimits: &[]*ecs.Ulimit{{Name: ecs.UlimitName_NOFILE, SoftLimit: jsii.Number(65535), HardLimit: jsii.Number(65535)}},
		Logging: logTo(log, s.name),
	}
}

func title(name string) string { return string(name[0]-'a'+'A') + name[1:] }
