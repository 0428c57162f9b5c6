package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// forwards say what happens to a request that reached a load balancer or the
// edge.
func (w World) forwards() []string {
	var facts []string
	w.each("AWS::ElasticLoadBalancingV2::Listener", func(_ *stack, id string, p properties) {
		at := w.listener(p)
		for _, action := range p.objects("DefaultActions") {
			facts = append(facts, fmt.Sprintf("forward %s otherwise -> %s", at, w.action(action)))
		}
		w.each("AWS::ElasticLoadBalancingV2::ListenerRule", func(_ *stack, _ string, rule properties) {
			if rule.text("ListenerArn") != id {
				return
			}
			for _, action := range rule.objects("Actions") {
				facts = append(facts, fmt.Sprintf("forward %s if %s -> %s", at, conditions(rule), w.action(action)))
			}
		})
	})
	w.each("AWS::CloudFront::Distribution", func(_ *stack, _ string, p properties) {
		facts = append(facts, w.distribution(p)...)
	})
	return facts
}

func (w World) listener(p properties) string {
	at := fmt.Sprintf("%s :%s %s", w.balancer(p.text("LoadBalancerArn")), p.text("Port"), p.text("Protocol"))
	if policy := p.text("SslPolicy"); policy != "" {
		at += " " + policy
	}
	for _, certificate := range p.objects("Certificates") {
		at += " as " + certificate.text("CertificateArn")
	}
	return at
}

func conditions(rule properties) string {
	var all []string
	for _, c := range rule.objects("Conditions") {
		switch c.text("Field") {
		case "http-header":
			all = append(all, c.text("HttpHeaderConfig", "HttpHeaderName")+" is "+strings.Join(c.texts("HttpHeaderConfig", "Values"), " or "))
		case "path-pattern":
			all = append(all, "path is "+strings.Join(slices.Concat(c.texts("PathPatternConfig", "Values"), c.texts("Values")), " or "))
		default:
			all = append(all, c.text())
		}
	}
	if len(all) == 0 {
		return "anything"
	}
	return strings.Join(all, " and ")
}

func (w World) action(p properties) string {
	if kind := p.text("Type"); kind != "forward" {
		return kind + " " + p.text("FixedResponseConfig", "StatusCode") + p.text("RedirectConfig")
	}
	groups := p.texts("TargetGroupArn")
	for _, weighted := range p.objects("ForwardConfig", "TargetGroups") {
		groups = append(groups, weighted.text("TargetGroupArn"))
	}
	var all []string
	for _, group := range groups {
		all = append(all, w.targets(group))
	}
	return strings.Join(all, " or ")
}

// targets are the services that register with a target group, and addresses
// that are simply in it.
func (w World) targets(group string) string {
	var all []string
	w.each("AWS::ECS::Service", func(_ *stack, _ string, service properties) {
		for _, b := range service.objects("LoadBalancers") {
			if b.text("TargetGroupArn") == group {
				all = append(all, b.text("ContainerName")+":"+b.text("ContainerPort"))
			}
		}
	})
	protocol := "unknown"
	w.each("AWS::ElasticLoadBalancingV2::TargetGroup", func(_ *stack, id string, g properties) {
		if id != group {
			return
		}
		protocol = strings.TrimSpace(g.text("Protocol") + " " + g.text("ProtocolVersion"))
		for _, target := range g.objects("Targets") {
			all = append(all, target.text("Id")+":"+target.text("Port"))
		}
	})
	if len(all) == 0 {
		all = []string{group}
	}
	return strings.Join(all, " or ") + " " + protocol
}

// cachesNothing is CloudFront's own policy CachingDisabled.
const cachesNothing = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

// distribution says what the edge does with a request of each behaviour.
func (w World) distribution(p properties) []string {
	firewall := p.text("DistributionConfig", "WebACLId")
	if firewall == "" {
		firewall = "nothing"
	}
	behaviours := p.objects("DistributionConfig", "DefaultCacheBehavior")
	behaviours = append(behaviours, p.objects("DistributionConfig", "CacheBehaviors")...)
	var facts []string
	for _, b := range behaviours {
		path := b.text("PathPattern")
		if path == "" {
			path = "*"
		}
		keeping := "nothing"
		if policy := b.text("CachePolicyId"); policy != cachesNothing {
			// What an edge keeps it gives to whoever asks, unless it asks for a
			// signature itself.
			signed := "whoever asks"
			if keys := b.texts("TrustedKeyGroups"); len(keys) > 0 {
				signed = "signatures of " + strings.Join(keys, " or ")
			}
			keeping = "answers by " + policy + " for " + signed
		}
		facts = append(facts, fmt.Sprintf("forward edge %s %s behind %s -> %s, keeping %s", path, b.text("ViewerProtocolPolicy"), firewall,
			w.origin(p, b.text("TargetOriginId")), keeping))
	}
	names, tls := strings.Join(p.texts("DistributionConfig", "Aliases"), " "), p.text("DistributionConfig", "ViewerCertificate", "MinimumProtocolVersion")
	return append(facts, fmt.Sprintf("serve edge as %s with %s", cmp.Or(names, "no name of its own"), cmp.Or(tls, "any TLS")))
}

func (w World) origin(p properties, id string) string {
	for _, origin := range p.objects("DistributionConfig", "Origins") {
		if origin.text("Id") != id {
			continue
		}
		to := origin.text("DomainName") + " " + origin.text("CustomOriginConfig", "OriginProtocolPolicy")
		for _, header := range origin.objects("OriginCustomHeaders") {
			to += " with " + header.text("HeaderName") + " = " + header.text("HeaderValue")
		}
		return to
	}
	return "nowhere"
}
