package edge

import (
	"slices"
	"strings"

	waf "github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"
)

// managedGroup is a group of rules that AWS keeps. All of its rules block,
// except those that some relaxation counts.
type managedGroup struct {
	name   string
	labels string // prefix of its labels
}

const (
	common = "awswaf:managed:aws:core-rule-set:"
	bad    = "awswaf:managed:aws:known-bad-inputs:"
	sql    = "awswaf:managed:aws:sql-database:"
)

var managedGroups = []managedGroup{
	{"AWSManagedRulesAmazonIpReputationList", "awswaf:managed:aws:amazon-ip-list:"},
	{"AWSManagedRulesCommonRuleSet", common},
	{"AWSManagedRulesKnownBadInputsRuleSet", bad},
	{"AWSManagedRulesSQLiRuleSet", sql},
}

// relaxed is one rule of a group, by its name and by the label it leaves when
// it only counts. The two are spelt differently.
type relaxed struct{ rule, label string }

// relaxation lets rules only count on routes where files would trip them.
// Everywhere else a rule of our own, called name, blocks what they labelled.
type relaxation struct {
	name   string
	routes string
	rules  []relaxed
}

var relaxations = []relaxation{
	// Any byte sequence may be a file's content.
	{"BodyAttackOffByteRoutes", byteRoutes, []relaxed{
		{"CrossSiteScripting_BODY", common + "CrossSiteScripting_Body"},
		{"GenericLFI_BODY", common + "GenericLFI_Body"},
		{"GenericRFI_BODY", common + "GenericRFI_Body"},
		{"EC2MetaDataSSRF_BODY", common + "EC2MetaDataSSRF_Body"},
		{"JavaDeserializationRCE_BODY", bad + "JavaDeserializationRCE_Body"},
		{"Log4JRCE_BODY", bad + "Log4JRCE_Body"},
		{"ReactJSRCE_BODY", bad + "ReactJSRCE_Body"},
		{"SQLi_BODY", sql + "SQLi_Body"},
		{"SQLiExtendedPatterns_BODY", sql + "SQLiExtendedPatterns_Body"},
	}},
	// A file may be called error.log, WEB-INF/web.xml or whatever, at length.
	{"PathAttackOffPathRoutes", pathRoutes, []relaxed{
		{"RestrictedExtensions_URIPATH", common + "RestrictedExtensions_URIPath"},
		{"GenericLFI_URIPATH", common + "GenericLFI_URIPath"},
		{"GenericRFI_URIPATH", common + "GenericRFI_URIPath"},
		{"CrossSiteScripting_URIPATH", common + "CrossSiteScripting_URIPath"},
		{"SizeRestrictions_URIPATH", common + "SizeRestrictions_URIPath"},
		{"ExploitablePaths_URIPATH", bad + "ExploitablePaths_URIPath"},
	}},
	// The same names in ?path= and ?displayName=, and AIP-160 filters, which
	// read like the WHERE clause of a query.
	{"QueryAttackOffQueryRoutes", queryRoutes, []relaxed{
		{"RestrictedExtensions_QUERYARGUMENTS", common + "RestrictedExtensions_QueryArguments"},
		{"GenericLFI_QUERYARGUMENTS", common + "GenericLFI_QueryArguments"},
		{"GenericRFI_QUERYARGUMENTS", common + "GenericRFI_QueryArguments"},
		{"CrossSiteScripting_QUERYARGUMENTS", common + "CrossSiteScripting_QueryArguments"},
		{"SizeRestrictions_QUERYSTRING", common + "SizeRestrictions_QueryString"},
		{"SQLi_QUERYARGUMENTS", sql + "SQLi_QueryArguments"},
		{"SQLiExtendedPatterns_QUERYARGUMENTS", sql + "SQLiExtendedPatterns_QueryArguments"},
	}},
}

// replaced are rules whose work a rule of ours does everywhere, and better: the
// group's ends bodies at 8 KiB, JSONTooLarge where the configuration says.
var replaced = []relaxed{{"SizeRestrictions_BODY", common + "SizeRestrictions_Body"}}

// statement is the group with its relaxed and replaced rules counting.
func (g managedGroup) statement() statement {
	all := slices.Clone(replaced)
	for _, r := range relaxations {
		all = append(all, r.rules...)
	}
	var counting []any
	for _, relaxed := range all {
		if strings.HasPrefix(relaxed.label, g.labels) {
			counting = append(counting, &waf.CfnWebACL_RuleActionOverrideProperty{
				Name: jsii.String(relaxed.rule), ActionToUse: &waf.CfnWebACL_RuleActionProperty{Count: map[string]any{}},
			})
		}
	}
	managed := &waf.CfnWebACL_ManagedRuleGroupStatementProperty{VendorName: jsii.String("AWS"), Name: jsii.String(g.name)}
	if len(counting) > 0 {
		managed.RuleActionOverrides = counting
	}
	return &waf.CfnWebACL_StatementProperty{ManagedRuleGroupStatement: managed}
}
