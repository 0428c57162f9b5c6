package edge

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	waf "github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// Routes, as the gateway has them; a test compares them with its contract.
const (
	// byteRoutes take contents of files as their body.
	byteRoutes = `^/v1/spaces/[^/]+/(files|files/[^/]+/content|paths/.+|uploads|uploads/[^/]+)$`
	// pathRoutes have names of files in the path.
	pathRoutes = `^/(v1/spaces/[^/]+/paths|s/[^/]+)/.+$`
	// queryRoutes have names of files, or a filter, in the query.
	queryRoutes = `^/v1/spaces/[^/]+/(files|files:lookup|files/[^/:]+|uploads)$`
	writes      = `^(POST|PUT|PATCH|DELETE)$`
	preflight   = `^OPTIONS$`
)

// retryAfterSeconds is for how long an address that sent too much is asked to
// wait. With it the command line tries for longer than rateWindowSeconds before
// it gives up; it gives up at once when asked to wait for more than a minute.
const retryAfterSeconds = 40

// newFirewall lists the rules in the order they are asked. What the README says
// of them is checked against this list.
func newFirewall(stack awscdk.Stack, cfg config.Config) waf.CfnWebACL {
	limits := cfg.Limits
	rules := []rule{
		{name: "RateOfAll", when: perIP(limits.RequestsPerIP, nil), answer: 429},
		{name: "RateOfWrites", when: perIP(limits.WritesPerIP, matches(method(), writes)), answer: 429},
		{name: "RateOfAnonymous", answer: 429, when: perIP(limits.AnonymousPerIP, and(
			not(present(header("authorization"))),
			// A browser asks without it whether a page of another site may send it.
			not(matches(method(), preflight)),
		))},
		// HTTP/1.1 announces a body without a length by Transfer-Encoding,
		// HTTP/2 and 3 not at all: there, the first bytes give it away.
		{name: "LengthRequired", answer: 411, when: and(
			not(present(header("content-length"))),
			or(present(body()), present(header("transfer-encoding"))),
		)},
		{name: "UploadTooLarge", answer: 413, when: matches(header("content-length"), moreThan(limits.MaxUploadBytes))},
		{name: "JSONTooLarge", answer: 413, when: and(
			not(matches(path(), byteRoutes)),
			matches(header("content-length"), moreThan(limits.MaxJSONBytes)),
		)},
	}
	for _, group := range managedGroups {
		rules = append(rules, rule{name: group.name, group: &group})
	}
	for _, r := range relaxations {
		var labels []statement
		for _, relaxed := range r.rules {
			labels = append(labels, labelled(relaxed.label))
		}
		rules = append(rules, rule{name: r.name, answer: 403, when: and(or(labels...), not(matches(path(), r.routes)))})
	}

	properties := make([]any, len(rules))
	for i, r := range rules {
		properties[i] = r.property(i)
	}
	return waf.NewCfnWebACL(stack, jsii.String("Firewall"), &waf.CfnWebACLProps{
		Scope:                jsii.String("CLOUDFRONT"),
		DefaultAction:        &waf.CfnWebACL_DefaultActionProperty{Allow: map[string]any{}},
		VisibilityConfig:     visible("holdfast-" + string(cfg.Stage)),
		CustomResponseBodies: bodies(),
		Rules:                properties,
	})
}

// rule is one entry of the list: an own condition with the status it answers,
// or a managed group.
type rule struct {
	name   string
	when   statement
	answer int
	group  *managedGroup
}

func (r rule) property(priority int) *waf.CfnWebACL_RuleProperty {
	property := &waf.CfnWebACL_RuleProperty{
		Name: jsii.String(r.name), Priority: jsii.Number(priority), VisibilityConfig: visible(r.name), Statement: r.when,
	}
	if r.group != nil {
		property.Statement = r.group.statement()
		property.OverrideAction = &waf.CfnWebACL_OverrideActionProperty{None: map[string]any{}}
		return property
	}
	response := &waf.CfnWebACL_CustomResponseProperty{
		ResponseCode: jsii.Number(r.answer), CustomResponseBodyKey: jsii.String(key(r.answer)),
	}
	if r.answer == 429 {
		response.ResponseHeaders = []any{&waf.CfnWebACL_CustomHTTPHeaderProperty{Name: jsii.String("Retry-After"), Value: jsii.String(strconv.Itoa(retryAfterSeconds))}}
	}
	property.Action = &waf.CfnWebACL_RuleActionProperty{Block: &waf.CfnWebACL_BlockActionProperty{CustomResponse: response}}
	return property
}

// visible counts a rule's matches. It samples no requests: samples show whole
// URLs and headers to whoever may look at the firewall.
func visible(metric string) *waf.CfnWebACL_VisibilityConfigProperty {
	return &waf.CfnWebACL_VisibilityConfigProperty{
		CloudWatchMetricsEnabled: jsii.Bool(true), MetricName: jsii.String(metric), SampledRequestsEnabled: jsii.Bool(false),
	}
}

// bodies answer in the form the gateway answers errors.
func bodies() map[string]*waf.CfnWebACL_CustomResponseBodyProperty {
	texts := map[int][2]string{
		403: {"PERMISSION_DENIED", "The request looks like an attack."},
		411: {"INVALID_ARGUMENT", "Send Content-Length with a body."},
		413: {"INVALID_ARGUMENT", "The body is too large for one request; use a resumable upload."},
		429: {"RESOURCE_EXHAUSTED", "Too many requests from this address."},
	}
	all := map[string]*waf.CfnWebACL_CustomResponseBodyProperty{}
	for status, text := range texts {
		all[key(status)] = &waf.CfnWebACL_CustomResponseBodyProperty{
			ContentType: jsii.String("APPLICATION_JSON"),
			Content:     jsii.String(fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":%q}}`, status, text[1], text[0])),
		}
	}
	return all
}

func key(status int) string { return fmt.Sprintf("status-%d", status) }
