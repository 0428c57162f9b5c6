package edge

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	cloudfront "github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	waf "github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/journal"
)

// requestFields are what is recorded of each request. The URI, its query, the
// referrer and cookies are not: they hold names of files and tokens of shares.
// The request id finds the rest in the gateway's log.
var requestFields = []string{
	"date", "time", "x-edge-location", "x-edge-request-id", "x-host-header",
	"cs-method", "cs-protocol", "cs-protocol-version", "ssl-protocol", "ssl-cipher",
	"c-ip", "c-country", "cs(User-Agent)", "cs-bytes",
	"sc-status", "sc-bytes", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end",
	"time-taken", "time-to-first-byte", "x-edge-result-type", "x-edge-detailed-result-type",
}

// redactedHeaders hold credentials, or the name of a file that is uploaded.
var redactedHeaders = []string{"authorization", "cookie", "upload-metadata", "content-disposition", "idempotency-key", "referer"}

func logRequests(stack awscdk.Stack, logs journal.Journal, site cloudfront.Distribution, cfg config.Config) journal.Group {
	return logs.Deliver(stack, "Requests", journal.Delivery{
		Source:  jsii.String("arn:aws:cloudfront::" + cfg.Account + ":distribution/" + *site.DistributionId()),
		LogType: "ACCESS_LOGS",
		Fields:  requestFields,
	})
}

// logFirewall records what the firewall stopped or counted.
func logFirewall(stack awscdk.Stack, logs journal.Journal, acl waf.CfnWebACL, cfg config.Config) journal.Group {
	// The firewall takes no group of another name.
	group := logs.PrefixedGroup(stack, "FirewallLog", "aws-waf-logs-holdfast-"+string(cfg.Stage)+"-")
	redacted := []any{
		&waf.CfnLoggingConfiguration_FieldToMatchProperty{UriPath: map[string]any{}},
		&waf.CfnLoggingConfiguration_FieldToMatchProperty{QueryString: map[string]any{}},
	}
	for _, header := range redactedHeaders {
		redacted = append(redacted, &waf.CfnLoggingConfiguration_FieldToMatchProperty{SingleHeader: map[string]any{"Name": header}})
	}
	keep := func(action string) any {
		return map[string]any{
			"Behavior": "KEEP", "Requirement": "MEETS_ANY",
			"Conditions": []any{map[string]any{"ActionCondition": map[string]any{"Action": action}}},
		}
	}
	waf.NewCfnLoggingConfiguration(stack, jsii.String("FirewallLogging"), &waf.CfnLoggingConfigurationProps{
		ResourceArn:           acl.AttrArn(),
		LogDestinationConfigs: &[]any{group.ARN},
		RedactedFields:        redacted,
		LoggingFilter: map[string]any{
			"DefaultBehavior": "DROP",
			"Filters":         []any{keep("BLOCK"), keep("COUNT"), keep("EXCLUDED_AS_COUNT")},
		},
	})
	return group
}
