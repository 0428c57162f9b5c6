package edge

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	acm "github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	cloudfront "github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	origins "github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	route53 "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	targets "github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	waf "github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/handoff"
	"github.com/holdfast-files/holdfast/deploy/originproof"
)

// originReadSeconds is the most CloudFront waits without a special quota, for
// the answer after an upload's last byte and between two bytes of a download.
const originReadSeconds = 120

// newDistribution passes every method and header on and keeps nothing: what an
// edge cache answers, Holdfast never gets to authorise.
func newDistribution(stack awscdk.Stack, cfg config.Config, acl waf.CfnWebACL) cloudfront.Distribution {
	props := &cloudfront.DistributionProps{
		Comment: jsii.String("Holdfast " + string(cfg.Stage)),
		DefaultBehavior: &cloudfront.BehaviorOptions{
			Origin:               newOrigin(stack, cfg),
			ViewerProtocolPolicy: cloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
			AllowedMethods:       cloudfront.AllowedMethods_ALLOW_ALL(),
			CachePolicy:          cloudfront.CachePolicy_CACHING_DISABLED(),
			// Everything but Host: the origin's certificate is for its own name.
			OriginRequestPolicy:   cloudfront.OriginRequestPolicy_ALL_VIEWER_EXCEPT_HOST_HEADER(),
			ResponseHeadersPolicy: newHeaders(stack),
			// Compressing would drop the length and weaken the ETag, and with
			// them ranges and preconditions.
			Compress: jsii.Bool(false),
		},
		ErrorResponses:           forgetErrors(),
		HttpVersion:              cloudfront.HttpVersion_HTTP2_AND_3,
		PublishAdditionalMetrics: jsii.Bool(true),
		WebAclId:                 acl.AttrArn(),
	}
	if len(cfg.AllowedCountries) > 0 {
		props.GeoRestriction = cloudfront.GeoRestriction_Allowlist(*jsii.Strings(cfg.AllowedCountries...)...)
	}
	if cfg.Domain == nil {
		return cloudfront.NewDistribution(stack, jsii.String("Distribution"), props)
	}
	zone := route53.HostedZone_FromHostedZoneAttributes(stack, jsii.String("Zone"), &route53.HostedZoneAttributes{
		HostedZoneId: jsii.String(cfg.Domain.ZoneID), ZoneName: jsii.String(cfg.Domain.ZoneName),
	})
	props.MinimumProtocolVersion = cloudfront.SecurityPolicyProtocol_TLS_V1_2_2021
	props.DomainNames = jsii.Strings(cfg.Domain.Name)
	props.Certificate = acm.NewCertificate(stack, jsii.String("Certificate"), &acm.CertificateProps{
		DomainName: jsii.String(cfg.Domain.Name), Validation: acm.CertificateValidation_FromDns(zone),
	})
	site := cloudfront.NewDistribution(stack, jsii.String("Distribution"), props)
	target := route53.RecordTarget_FromAlias(targets.NewCloudFrontTarget(site))
	name := jsii.String(cfg.Domain.Name + ".")
	route53.NewARecord(stack, jsii.String("Name"), &route53.ARecordProps{Zone: zone, RecordName: name, Target: target})
	route53.NewAaaaRecord(stack, jsii.String("NameV6"), &route53.AaaaRecordProps{Zone: zone, RecordName: name, Target: target})
	return site
}

// newOrigin is the public load balancer. Neither side limits how long an upload
// or a download may take as a whole.
func newOrigin(stack awscdk.Stack, cfg config.Config) cloudfront.IOrigin {
	secret := awscdk.SecretValue_SecretsManager(jsii.String(originproof.SecretName(cfg, originproof.Sent(cfg))), nil)
	props := &origins.HttpOriginProps{
		ProtocolPolicy:     cloudfront.OriginProtocolPolicy_HTTPS_ONLY,
		OriginSslProtocols: &[]cloudfront.OriginSslPolicy{cloudfront.OriginSslPolicy_TLS_V1_2},
		CustomHeaders:      &map[string]*string{originproof.Header: secret.UnsafeUnwrap()},
		ReadTimeout:        awscdk.Duration_Seconds(jsii.Number(originReadSeconds)),
		// Shorter than the load balancer's, so that no request meets a
		// connection that is being closed.
		KeepaliveTimeout:   awscdk.Duration_Seconds(jsii.Number(60)),
		ConnectionTimeout:  awscdk.Duration_Seconds(jsii.Number(5)),
		ConnectionAttempts: jsii.Number(3),
	}
	if cfg.Domain != nil {
		return origins.NewHttpOrigin(jsii.String(cfg.Domain.Origin()), props)
	}
	props.ProtocolPolicy = cloudfront.OriginProtocolPolicy_HTTP_ONLY
	return origins.NewHttpOrigin(handoff.Value(stack, cfg, "public-alb-name"), props)
}

// newHeaders adds what a browser needs to hear. Where the gateway already says
// something more exact, that stands.
func newHeaders(stack awscdk.Stack) cloudfront.ResponseHeadersPolicy {
	return cloudfront.NewResponseHeadersPolicy(stack, jsii.String("Headers"), &cloudfront.ResponseHeadersPolicyProps{
		SecurityHeadersBehavior: &cloudfront.ResponseSecurityHeadersBehavior{
			StrictTransportSecurity: &cloudfront.ResponseHeadersStrictTransportSecurity{
				AccessControlMaxAge: awscdk.Duration_Days(jsii.Number(730)), IncludeSubdomains: jsii.Bool(true), Override: jsii.Bool(true),
			},
			ContentTypeOptions: &cloudfront.ResponseHeadersContentTypeOptions{Override: jsii.Bool(true)},
			FrameOptions:       &cloudfront.ResponseHeadersFrameOptions{FrameOption: cloudfront.HeadersFrameOption_DENY, Override: jsii.Bool(false)},
			ReferrerPolicy: &cloudfront.ResponseHeadersReferrerPolicy{
				ReferrerPolicy: cloudfront.HeadersReferrerPolicy_NO_REFERRER, Override: jsii.Bool(false),
			},
			ContentSecurityPolicy: &cloudfront.ResponseHeadersContentSecurityPolicy{
				ContentSecurityPolicy: jsii.String("default-src 'none'; frame-ancestors 'none'"), Override: jsii.Bool(false),
			},
		},
		RemoveHeaders: jsii.Strings("Server"),
	})
}

// forgetErrors keeps CloudFront from remembering errors, which it does for ten
// seconds even where nothing else is cached: a file asked for just before it
// was uploaded would seem missing just after.
func forgetErrors() *[]*cloudfront.ErrorResponse {
	var responses []*cloudfront.ErrorResponse
	for _, status := range []int{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} {
		responses = append(responses, &cloudfront.ErrorResponse{
			HttpStatus: jsii.Number(status), Ttl: awscdk.Duration_Seconds(jsii.Number(0)),
		})
	}
	return &responses
}
