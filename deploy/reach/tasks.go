package reach

import (
	"fmt"
	"strings"
)

// tasks say as whom each container runs, who starts it and which secrets it is
// given.
func (w World) tasks() []string {
	var facts []string
	w.each("AWS::ECS::Service", func(_ *stack, _ string, p properties) {
		t := w.task(p.text("TaskDefinition"))
		fact := fmt.Sprintf("run %s as %s, started by %s", t.name, t.role, t.starter)
		if p.text("EnableExecuteCommand") == "true" {
			fact += ", open to a shell"
		}
		facts = append(facts, fact)
	})
	w.each("AWS::ECS::TaskDefinition", func(_ *stack, id string, p properties) {
		name := w.task(id).name
		if mode := p.text("NetworkMode"); mode != "awsvpc" {
			facts = append(facts, fmt.Sprintf("run %s in the network mode %s", name, mode))
		}
		for _, container := range p.objects("ContainerDefinitions") {
			for _, secret := range container.objects("Secrets") {
				facts = append(facts, fmt.Sprintf("give %s/%s %s = %s", name, container.text("Name"), secret.text("Name"), secret.text("ValueFrom")))
			}
			if container.text("Privileged") == "true" || container.text("ReadonlyRootFilesystem") != "true" {
				facts = append(facts, fmt.Sprintf("run %s/%s privileged or with a root it can write", name, container.text("Name")))
			}
		}
	})
	w.each("AWS::Lambda::Function", func(_ *stack, id string, p properties) {
		facts = append(facts, fmt.Sprintf("run %s as %s outside the VPC", id, p.text("Role")))
	})
	return facts
}

// addresses are names that lead somewhere.
func (w World) addresses() []string {
	var facts []string
	w.each("AWS::Route53::RecordSet", func(_ *stack, _ string, p properties) {
		to := p.text("AliasTarget", "DNSName") + strings.Join(p.texts("ResourceRecords"), " ")
		facts = append(facts, fmt.Sprintf("name %s %s in %s -> %s", p.text("Name"), p.text("Type"), p.text("HostedZoneId"), to))
	})
	w.each("AWS::ServiceDiscovery::Service", func(_ *stack, id string, p properties) {
		by := "nothing"
		w.each("AWS::ECS::Service", func(_ *stack, _ string, service properties) {
			for _, registry := range service.objects("ServiceRegistries") {
				if registry.text("RegistryArn") == id {
					by = w.task(service.text("TaskDefinition")).name
				}
			}
		})
		facts = append(facts, fmt.Sprintf("name %s in %s -> %s", p.text("Name"), p.text("NamespaceId"), by))
	})
	return facts
}

// copies say where data is besides where it is kept, and what keeps the public
// from it.
func (w World) copies() []string {
	var facts []string
	w.each("AWS::S3::Bucket", func(_ *stack, id string, p properties) {
		if !blocksPublicAccess(p) || p.text("PublicAccessBlockConfiguration", "BlockPublicAcls") != "true" ||
			p.text("PublicAccessBlockConfiguration", "IgnorePublicAcls") != "true" {
			facts = append(facts, "public "+id+" doesn't block public access")
		}
		for _, rule := range p.objects("OwnershipControls", "Rules") {
			if ownership := rule.text("ObjectOwnership"); ownership != "BucketOwnerEnforced" {
				facts = append(facts, "public "+id+" heeds access control lists: "+ownership)
			}
		}
		if p.raw("OwnershipControls") == nil {
			facts = append(facts, "public "+id+" says nothing of access control lists")
		}
	})
	w.each("AWS::DynamoDB::GlobalTable", func(_ *stack, id string, p properties) {
		for _, replica := range p.objects("Replicas") {
			facts = append(facts, "copy "+id+" in "+replica.text("Region"))
		}
	})
	w.each("AWS::SecretsManager::Secret", func(_ *stack, id string, p properties) {
		for _, replica := range p.objects("ReplicaRegions") {
			facts = append(facts, "copy "+id+" in "+replica.text("Region"))
		}
	})
	return facts
}
