package compute

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	ecr "github.com/aws/aws-cdk-go/awscdk/v2/awsecr"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecrassets"
	ecs "github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// image is the named image: a reference as given, or one that `cdk deploy`
// builds from the target of that name in the source's Dockerfile. Synthesis
// itself builds nothing.
func (f floor) image(scope constructs.Construct, name string) ecs.ContainerImage {
	if f.cfg.Images.Source == "" {
		repository, version := f.reference(name)
		return ecs.ContainerImage_FromEcrRepository(ecr.Repository_FromRepositoryAttributes(scope, jsii.String(name+"Image"), &ecr.RepositoryAttributes{
			RepositoryArn:  f.repository(repository),
			RepositoryName: jsii.String(repository),
		}), jsii.String(version))
	}
	if name == "collector" {
		return ecs.ContainerImage_FromAsset(jsii.String(f.cfg.Images.Source+"/deploy/compute/collector"), &ecs.AssetImageProps{
			Platform: awsecrassets.Platform_LINUX_ARM64(),
		})
	}
	return ecs.ContainerImage_FromAsset(jsii.String(f.cfg.Images.Source), &ecs.AssetImageProps{
		Target:     jsii.String(name),
		Platform:   awsecrassets.Platform_LINUX_ARM64(),
		IgnoreMode: awscdk.IgnoreMode_DOCKER,
		Exclude:    jsii.Strings(".git", ".build", "data", "deploy", "test", "tools", "**/cdk.out"),
	})
}

// reference splits the configured reference of the named image into its
// repository and its tag or digest.
func (f floor) reference(name string) (repository, version string) {
	full := map[string]string{
		"metadata":  f.cfg.Images.Metadata,
		"storage":   f.cfg.Images.Storage,
		"gateway":   f.cfg.Images.Gateway,
		"collector": f.cfg.Images.Collector,
	}[name]
	_, path, _ := strings.Cut(full, "/")
	if repository, digest, ok := strings.Cut(path, "@"); ok {
		return repository, digest
	}
	repository, tag, _ := strings.Cut(path, ":")
	return repository, tag
}

// repositories are the ARNs of the repositories the named images are in.
func (f floor) repositories(names ...string) []*string {
	if f.cfg.Images.Source != "" {
		return []*string{f.repository("cdk-hnb659fds-container-assets-" + f.cfg.Account + "-" + f.cfg.Region)}
	}
	var arns []*string
	for _, name := range names {
		repository, _ := f.reference(name)
		arns = append(arns, f.repository(repository))
	}
	return arns
}

func (f floor) repository(name string) *string {
	return jsii.String("arn:aws:ecr:" + f.cfg.Region + ":" + f.cfg.Account + ":repository/" + name)
}
