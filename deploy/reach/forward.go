package reach

import (
	"fmt"
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
			all = append(all, "path is "+strings.Join(c.texts("PathPatternConfig", "Values"), " or "))
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
		return kind + " " + p.text("FixedResponseConfig", "StatusCode")
	}
	group := p.text("TargetGroupArn")
	target := group
	w.each("AWS::ECS::Service", func(_ *stack, _ string, service properties) {
		for _, b := range service.objects("LoadBalancers") {
			if b.text("TargetGroupArn") == group {
				target = b.text("ContainerName") + ":" + b.text("ContainerPort")
			}
		}
	})
	w.each("AWS::ElasticLoadBalancingV2::TargetGroup", func(_ *stack, id string, g properties) {
		if id == group {
			target += " " + strings.TrimSpace(g.text("Protocol")+" "+g.text("ProtocolVersion"))
		}
	})
	return target
}

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
		facts = append(facts, fmt.Sprintf("forward edge %s %s behind %s -> %s", path, b.text("ViewerProtocolPolicy"), firewall,
			w.origin(p, b.text("TargetOriginId"))))
	}
	return facts
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
