package firewall

import "regexp"

// sample stands in for one rule of AWS's managed groups: enough of what it
// looks for to tell a relaxed rule from one in force. AWS publishes what the
// rules are about, not how they match.
type sample struct {
	group, rule, label string
	matches            func(Request) bool
}

var (
	scripts    = regexp.MustCompile(`(?i)<script|javascript:`)
	traversals = regexp.MustCompile(`\.\./`)
	remote     = regexp.MustCompile(`(?i)=https?://`)
	extensions = regexp.MustCompile(`(?i)\.(log|ini|bak|config)$`)
	exploits   = regexp.MustCompile(`(?i)/web-inf`)
	metadata   = regexp.MustCompile(`169\.254\.169\.254`)
	jndi       = regexp.MustCompile(`(?i)\$\{jndi:`)
	serialized = regexp.MustCompile(`rO0AB|\xac\xed\x00\x05`)
	flight     = regexp.MustCompile(`__proto__`)
	injection  = regexp.MustCompile(`(?i)('\s*or\s+'?1'?\s*=\s*'?1|union\s+select)`)
	extended   = regexp.MustCompile(`(?i);\s*drop\s+table`)
)

const (
	commonSet = "AWSManagedRulesCommonRuleSet"
	badInputs = "AWSManagedRulesKnownBadInputsRuleSet"
	sqli      = "AWSManagedRulesSQLiRuleSet"
)

func in(pattern *regexp.Regexp, part func(Request) string) func(Request) bool {
	return func(r Request) bool { return pattern.MatchString(part(r)) }
}

func body(r Request) string {
	if len(r.Body) > inspected {
		return r.Body[:inspected]
	}
	return r.Body
}

func path(r Request) string   { return decoded(r.Path) }
func query(r Request) string  { return decoded(r.Query) }
func cookie(r Request) string { return r.Headers["cookie"] }
func header(r Request) string { return r.Headers["user-agent"] + "\n" + r.Headers["x-api-version"] }

var samples = []sample{
	{commonSet, "NoUserAgent_HEADER", "core-rule-set:NoUserAgent_Header", func(r Request) bool { return r.Headers["user-agent"] == "" }},
	{commonSet, "SizeRestrictions_BODY", "core-rule-set:SizeRestrictions_Body", func(r Request) bool { return len(r.Body) > 8<<10 }},
	{commonSet, "SizeRestrictions_URIPATH", "core-rule-set:SizeRestrictions_URIPath", func(r Request) bool { return len(r.Path) > 1024 }},
	{commonSet, "SizeRestrictions_QUERYSTRING", "core-rule-set:SizeRestrictions_QueryString", func(r Request) bool { return len(r.Query) > 2048 }},
	{commonSet, "CrossSiteScripting_BODY", "core-rule-set:CrossSiteScripting_Body", in(scripts, body)},
	{commonSet, "CrossSiteScripting_URIPATH", "core-rule-set:CrossSiteScripting_URIPath", in(scripts, path)},
	{commonSet, "CrossSiteScripting_QUERYARGUMENTS", "core-rule-set:CrossSiteScripting_QueryArguments", in(scripts, query)},
	{commonSet, "GenericLFI_BODY", "core-rule-set:GenericLFI_Body", in(traversals, body)},
	{commonSet, "GenericLFI_URIPATH", "core-rule-set:GenericLFI_URIPath", in(traversals, path)},
	{commonSet, "GenericLFI_QUERYARGUMENTS", "core-rule-set:GenericLFI_QueryArguments", in(traversals, query)},
	{commonSet, "GenericRFI_BODY", "core-rule-set:GenericRFI_Body", in(remote, body)},
	{commonSet, "GenericRFI_URIPATH", "core-rule-set:GenericRFI_URIPath", in(remote, path)},
	{commonSet, "GenericRFI_QUERYARGUMENTS", "core-rule-set:GenericRFI_QueryArguments", in(remote, query)},
	{commonSet, "EC2MetaDataSSRF_BODY", "core-rule-set:EC2MetaDataSSRF_Body", in(metadata, body)},
	{commonSet, "EC2MetaDataSSRF_QUERYARGUMENTS", "core-rule-set:EC2MetaDataSSRF_QueryArguments", in(metadata, query)},
	{commonSet, "RestrictedExtensions_URIPATH", "core-rule-set:RestrictedExtensions_URIPath", in(extensions, path)},
	{commonSet, "RestrictedExtensions_QUERYARGUMENTS", "core-rule-set:RestrictedExtensions_QueryArguments", in(extensions, query)},
	{badInputs, "ExploitablePaths_URIPATH", "known-bad-inputs:ExploitablePaths_URIPath", in(exploits, path)},
	{badInputs, "Log4JRCE_BODY", "known-bad-inputs:Log4JRCE_Body", in(jndi, body)},
	{badInputs, "Log4JRCE_HEADER", "known-bad-inputs:Log4JRCE_Header", in(jndi, header)},
	{badInputs, "Log4JRCE_QUERYSTRING", "known-bad-inputs:Log4JRCE_QueryString", in(jndi, query)},
	{badInputs, "JavaDeserializationRCE_BODY", "known-bad-inputs:JavaDeserializationRCE_Body", in(serialized, body)},
	{badInputs, "ReactJSRCE_BODY", "known-bad-inputs:ReactJSRCE_Body", in(flight, body)},
	{sqli, "SQLi_BODY", "sql-database:SQLi_Body", in(injection, body)},
	{sqli, "SQLi_QUERYARGUMENTS", "sql-database:SQLi_QueryArguments", in(injection, query)},
	{sqli, "SQLi_COOKIE", "sql-database:SQLi_Cookie", in(injection, cookie)},
	{sqli, "SQLiExtendedPatterns_BODY", "sql-database:SQLiExtendedPatterns_Body", in(extended, body)},
	{sqli, "SQLiExtendedPatterns_QUERYARGUMENTS", "sql-database:SQLiExtendedPatterns_QueryArguments", in(extended, query)},
}

// managed runs the samples of a group. Those that only count leave a label; the
// first in force is returned.
func (a *ACL) managed(group map[string]any, request Request, labels map[string]bool) string {
	counting := map[string]bool{}
	overrides, _ := group["RuleActionOverrides"].([]any)
	for _, v := range overrides {
		override := v.(map[string]any)
		if _, ok := override["ActionToUse"].(map[string]any)["Count"]; ok {
			counting[override["Name"].(string)] = true
		}
	}
	for _, s := range samples {
		if s.group != group["Name"] || !s.matches(request) {
			continue
		}
		if !counting[s.rule] {
			return s.rule
		}
		labels["awswaf:managed:aws:"+s.label] = true
	}
	return ""
}

// Known tells whether the samples include a rule, by name or by label.
func Known(name string) bool {
	for _, s := range samples {
		if s.rule == name || "awswaf:managed:aws:"+s.label == name {
			return true
		}
	}
	return false
}
