package reach

import (
	"fmt"
	"slices"
)

// service changes where a service stands, as whom it runs and who finds it.
func (m *mutator) service() {
	m.remove()
	wear := func(what string, f func(net map[string]any)) {
		m.change(what, func(p map[string]any) {
			f(p["NetworkConfiguration"].(map[string]any)["AwsvpcConfiguration"].(map[string]any))
		})
	}
	wear("with a public address", func(net map[string]any) { net["AssignPublicIp"] = "ENABLED" })
	wear("wearing no group", func(net map[string]any) { net["SecurityGroups"] = []any{} })
	wear("wearing a group from elsewhere", func(net map[string]any) { net["SecurityGroups"] = []any{"sg-0123456789abcdef0"} })
	m.w.each("AWS::EC2::Subnet", func(_ *stack, id string, _ properties) {
		wear("also in "+id, func(net map[string]any) { net["Subnets"] = append(net["Subnets"].([]any), id) })
	})
	m.w.each("AWS::EC2::SecurityGroup", func(_ *stack, id string, _ properties) {
		wear("also wearing "+id, func(net map[string]any) { net["SecurityGroups"] = append(net["SecurityGroups"].([]any), id) })
	})
	m.others("AWS::ECS::TaskDefinition", "TaskDefinition")
	m.set("open to a shell", "EnableExecuteCommand", true)
	balancers, _ := m.resource.Properties["LoadBalancers"].([]any)
	for i := range balancers {
		at := func(what string, f func(b map[string]any)) {
			m.change(fmt.Sprintf("registration %d %s", i, what), func(p map[string]any) { f(p["LoadBalancers"].([]any)[i].(map[string]any)) })
		}
		at("to another port", func(b map[string]any) { b["ContainerPort"] = float64(9082) })
		at("to no group", func(b map[string]any) { b["TargetGroupArn"] = "nothing" })
	}
	if registries, ok := m.resource.Properties["ServiceRegistries"].([]any); ok && len(registries) > 0 {
		m.set("without a name", "ServiceRegistries", []any{})
	}
}

// task changes as whom a task runs and what it is given.
func (m *mutator) task() {
	m.others("AWS::IAM::Role", "TaskRoleArn")
	m.others("AWS::IAM::Role", "ExecutionRoleArn")
	m.set("on the host's network", "NetworkMode", "host")
	containers, _ := m.resource.Properties["ContainerDefinitions"].([]any)
	for i, v := range containers {
		change := func(what string, f func(c map[string]any)) {
			m.change(fmt.Sprintf("container %d %s", i, what), func(p map[string]any) { f(p["ContainerDefinitions"].([]any)[i].(map[string]any)) })
		}
		change("privileged", func(c map[string]any) { c["Privileged"] = true })
		change("with a root it can write", func(c map[string]any) { delete(c, "ReadonlyRootFilesystem") })
		secrets, _ := v.(map[string]any)["Secrets"].([]any)
		for j := range secrets {
			change(fmt.Sprintf("without secret %d", j), func(c map[string]any) {
				c["Secrets"] = slices.Delete(slices.Clone(c["Secrets"].([]any)), j, j+1)
			})
		}
		for _, secret := range m.w.stacks[m.stack].kinds["AWS::SecretsManager::Secret"] {
			change("given "+secret, func(c map[string]any) {
				list, _ := c["Secrets"].([]any)
				c["Secrets"] = append(list, map[string]any{"Name": "MORE", "ValueFrom": map[string]any{"Ref": secret}})
			})
		}
	}
}

// others makes a mutant for each other resource of the type that the property
// could refer to.
func (m *mutator) others(kind, property string) {
	now := m.w.text(m.w.stacks[m.stack], m.resource.Properties[property])
	s := m.w.stacks[m.stack]
	for _, logical := range s.kinds[kind] {
		if s.ids[logical] != now {
			m.change(property+" redirected to "+logical, func(p map[string]any) { p[property] = map[string]any{"Ref": logical} })
		}
	}
}

func (m *mutator) listener() {
	m.remove()
	m.set("moved to port 80", "Port", float64(80))
	m.set("without TLS", "Protocol", "HTTP")
	m.set("with old TLS", "SslPolicy", "ELBSecurityPolicy-2016-08")
	m.change("forwarding everything", func(p map[string]any) { p["DefaultActions"] = []any{m.forward("")} })
}

func (m *mutator) forwarding() {
	m.remove()
	m.change("without conditions", func(p map[string]any) { p["Conditions"] = []any{} })
	m.change("redirected to another target", func(p map[string]any) { p["Actions"] = []any{m.forward(m.target())} })
	m.change("also to another target", func(p map[string]any) {
		p["Actions"] = []any{map[string]any{"Type": "forward", "ForwardConfig": map[string]any{"TargetGroups": []any{
			map[string]any{"TargetGroupArn": m.target()}, m.forward(m.target()),
		}}}}
	})
	m.others("AWS::ElasticLoadBalancingV2::Listener", "ListenerArn")
	conditions, _ := m.resource.Properties["Conditions"].([]any)
	for i, v := range conditions {
		for _, key := range []string{"PathPatternConfig", "HttpHeaderConfig"} {
			if v.(map[string]any)[key] == nil {
				continue
			}
			m.change(fmt.Sprintf("condition %d widened", i), func(p map[string]any) {
				config := p["Conditions"].([]any)[i].(map[string]any)[key].(map[string]any)
				config["Values"] = append(config["Values"].([]any), "*")
			})
		}
	}
}

// target is the target group a listener rule forwards to.
func (m *mutator) target() string {
	for _, action := range (properties{m.w, m.w.stacks[m.stack], m.resource.Properties}).objects("Actions") {
		return action.text("TargetGroupArn")
	}
	return ""
}

// forward is an action that forwards to a target group other than not.
func (m *mutator) forward(not string) map[string]any {
	to := "nothing"
	m.w.each("AWS::ElasticLoadBalancingV2::TargetGroup", func(_ *stack, id string, _ properties) {
		if id != not {
			to = id
		}
	})
	return map[string]any{"Type": "forward", "TargetGroupArn": to}
}
