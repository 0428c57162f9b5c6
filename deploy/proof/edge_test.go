package proof

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// one is the only resource of its type.
func (in installation) one(t *testing.T, kind string) resource {
	t.Helper()
	all := in.of(kind)
	if len(all) != 1 {
		t.Fatalf("%d resources of type %s", len(all), kind)
	}
	for _, r := range all {
		return r
	}
	panic("unreachable")
}

// at is the value at a path of keys and list indices.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// expect compares the values at paths with what is wanted, both as text.
func expect(t *testing.T, what string, v any, wants map[string]any) {
	t.Helper()
	for path, want := range wants {
		var steps []any
		for _, step := range strings.Split(path, ".") {
			var index int
			if _, err := fmt.Sscanf(step, "%d", &index); err == nil {
				steps = append(steps, index)
			} else {
				steps = append(steps, step)
			}
		}
		got := at(v, steps...)
		if number, ok := got.(float64); ok {
			got = int64(number)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %s is %v, want %v", what, path, got, want)
		}
	}
}

// TestDistribution is point 1: the only public entry, which passes everything
// on and keeps nothing.
func TestDistribution(t *testing.T) {
	in := installations["prod"]
	d := in.one(t, "AWS::CloudFront::Distribution").Properties["DistributionConfig"]
	expect(t, "distribution", d, map[string]any{
		"Aliases.0": "files.example.com",
		"ViewerCertificate.MinimumProtocolVersion": "TLSv1.2_2021",
		"ViewerCertificate.SslSupportMethod":       "sni-only",
		"HttpVersion":                              "http2and3",
		"IPV6Enabled":                              true,
		"CacheBehaviors":                           nil,

		"DefaultCacheBehavior.ViewerProtocolPolicy":  "https-only",
		"DefaultCacheBehavior.CachePolicyId":         "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", // CachingDisabled
		"DefaultCacheBehavior.OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac", // AllViewerExceptHostHeader
		"DefaultCacheBehavior.Compress":              false,
		"DefaultCacheBehavior.AllowedMethods":        "[GET HEAD OPTIONS PUT PATCH POST DELETE]",

		"Origins.0.DomainName":                                "origin.files.example.com",
		"Origins.0.CustomOriginConfig.OriginProtocolPolicy":   "https-only",
		"Origins.0.CustomOriginConfig.OriginSSLProtocols":     "[TLSv1.2]",
		"Origins.0.CustomOriginConfig.OriginReadTimeout":      120,
		"Origins.0.CustomOriginConfig.OriginKeepaliveTimeout": 60,
		"Origins.0.OriginCustomHeaders.0.HeaderName":          "X-Holdfast-Origin",
		"Origins.0.ResponseCompletionTimeout":                 nil, // would end long downloads
		"Origins.1":                                           nil,
	})
	if at(d, "WebACLId") == nil {
		t.Error("no firewall")
	}
	for i, status := range []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		expect(t, "errors", d, map[string]any{
			fmt.Sprintf("CustomErrorResponses.%d.ErrorCode", i):          status,
			fmt.Sprintf("CustomErrorResponses.%d.ErrorCachingMinTTL", i): 0,
			fmt.Sprintf("CustomErrorResponses.%d.ResponsePagePath", i):   nil, // the gateway's answer stands
		})
	}
	headers := in.one(t, "AWS::CloudFront::ResponseHeadersPolicy").Properties["ResponseHeadersPolicyConfig"]
	expect(t, "headers", headers, map[string]any{
		"SecurityHeadersConfig.StrictTransportSecurity.AccessControlMaxAgeSec": 63072000,
		"SecurityHeadersConfig.ContentTypeOptions.Override":                    true,
		"SecurityHeadersConfig.ContentSecurityPolicy.Override":                 false,
		"SecurityHeadersConfig.ReferrerPolicy.ReferrerPolicy":                  "no-referrer",
		"CustomHeadersConfig": nil,
	})
}

// TestEdgeWithoutADomain shows what the development mode gives up, and that it
// gives up no more.
func TestEdgeWithoutADomain(t *testing.T) {
	d := installations["dev"].one(t, "AWS::CloudFront::Distribution").Properties["DistributionConfig"]
	expect(t, "distribution", d, map[string]any{
		"Aliases": nil,
		"DefaultCacheBehavior.ViewerProtocolPolicy":         "https-only",
		"Origins.0.CustomOriginConfig.OriginProtocolPolicy": "http-only",
		"Origins.0.OriginCustomHeaders.0.HeaderName":        "X-Holdfast-Origin",
	})
}

// TestEdgeIsInItsRegion: CloudFront's firewall and certificate work from
// us-east-1 alone, and nothing else has to be there.
func TestEdgeIsInItsRegion(t *testing.T) {
	for _, kind := range []string{"AWS::CloudFront::Distribution", "AWS::WAFv2::WebACL", "AWS::Route53::HealthCheck"} {
		for id := range installations["prod"].of(kind) {
			if !strings.HasPrefix(id, "edge/") {
				t.Errorf("%s is a %s", id, kind)
			}
		}
	}
}

// TestFirewallBudget adds up the capacity units AWS documents; the price covers
// 1500.
func TestFirewallBudget(t *testing.T) {
	groups := map[string]int{
		"AWSManagedRulesCommonRuleSet": 700, "AWSManagedRulesKnownBadInputsRuleSet": 200,
		"AWSManagedRulesSQLiRuleSet": 200, "AWSManagedRulesAmazonIpReputationList": 25,
	}
	units := 0
	walk(installations["prod"].one(t, "AWS::WAFv2::WebACL").Properties, func(m map[string]any) {
		switch {
		case m["ManagedRuleGroupStatement"] != nil:
			cost, known := groups[at(m, "ManagedRuleGroupStatement", "Name").(string)]
			if !known {
				t.Errorf("unknown price: %v", m["ManagedRuleGroupStatement"])
			}
			units += cost
		case m["RegexMatchStatement"] != nil:
			units += 3
		case m["RateBasedStatement"] != nil:
			units += 2
		case m["SizeConstraintStatement"] != nil, m["LabelMatchStatement"] != nil:
			units++
		}
	})
	if units == 0 || units > 1500 {
		t.Errorf("%d capacity units", units)
	}
	t.Logf("%d capacity units", units)
}

// TestOriginProof is the heart of point 3: at no step of a rotation, nor when
// one of its two deployments is rolled back, does the edge send what the origin
// refuses.
func TestOriginProof(t *testing.T) {
	sent := func(name string) string {
		d := installations[name].one(t, "AWS::CloudFront::Distribution").Properties["DistributionConfig"]
		return fmt.Sprint(at(d, "Origins", 0, "OriginCustomHeaders", 0, "HeaderValue"))
	}
	accepted := func(name string) []string {
		in := installations[name]
		var names []string
		for _, rule := range in.of("AWS::ElasticLoadBalancingV2::ListenerRule") {
			values, _ := at(rule.Properties, "Conditions", 0, "HttpHeaderConfig", "Values").([]any)
			for _, value := range values {
				secret := at(value, "Fn::Join", 1, 1, "Ref").(string)
				names = append(names, "{{resolve:secretsmanager:"+in.stacks["compute"].Resources[secret].Properties["Name"].(string)+":SecretString:::}}")
			}
		}
		return names
	}
	steps := []struct{ edge, origin string }{
		{"prod", "prod"},       // before
		{"prod", "rotated"},    // the origin is deployed first; or the edge was rolled back
		{"rotated", "rotated"}, // after
	}
	for _, step := range steps {
		if !slices.Contains(accepted(step.origin), sent(step.edge)) {
			t.Errorf("edge %s sends %s; origin %s takes %v", step.edge, sent(step.edge), step.origin, accepted(step.origin))
		}
	}
	if sent("prod") == sent("rotated") {
		t.Error("the rotation sends the same secret")
	}
	for id, secret := range installations["prod"].of("AWS::SecretsManager::Secret") {
		if strings.Contains(id, "Proof") {
			expect(t, id, secret.Properties, map[string]any{
				"ReplicaRegions.0.Region":                 "us-east-1",
				"GenerateSecretString.PasswordLength":     64,
				"GenerateSecretString.ExcludePunctuation": true, // * and ? are wildcards to the load balancer
			})
		}
	}
}
