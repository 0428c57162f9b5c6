package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	accountForm    = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	prefixListForm = regexp.MustCompile(`^pl-[0-9a-f]{8}([0-9a-f]{9})?$`)
	domainForm     = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
	zoneIDForm     = regexp.MustCompile(`^Z[0-9A-Z]{1,31}$`)
	roleForm       = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:role/.+$`)
	versionForm    = regexp.MustCompile(`(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$`)
	countryForm    = regexp.MustCompile(`^[A-Z]{2}$`)
	originForm     = regexp.MustCompile(`^https?://[a-z0-9.-]+(:[0-9]+)?$`)
	tableForm      = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
)

// maxEdgeBody is where CloudFront itself ends a request body.
const maxEdgeBody = 64_000_000_000

// logDays are the retentions CloudWatch knows.
var logDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// Validate reports every setting that can't work, each named as in the file, in
// the order of their names.
func (c Config) Validate() error {
	var found problems
	found.unless(c.Stage == Dev || c.Stage == Prod, "stage: %q is neither dev nor prod", c.Stage)
	found.unless(accountForm.MatchString(c.Account), "account: %q is not a 12-digit AWS account id", c.Account)
	found.unless(regionForm.MatchString(c.Region), "region: %q is not an AWS region such as eu-central-1", c.Region)
	c.validateNetwork(&found)
	c.validateDomain(&found)
	c.validateImages(&found)
	c.validateIdentity(&found)
	c.validateLimits(&found)
	c.Services.Metadata.validate(&found, "services.metadata")
	c.Services.Storage.validate(&found, "services.storage")
	c.Services.Gateway.validate(&found, "services.gateway")
	c.validateProd(&found)

	most := c.Services.Storage.MemoryMiB / 4
	found.unless(c.Services.UploadMemoryMiB >= 64 && c.Services.UploadMemoryMiB <= most,
		"services.uploadMemoryMib: %d is outside 64 to %d, a quarter of what a storage task has", c.Services.UploadMemoryMiB, most)
	found.unless(c.Services.GraceSeconds >= 0 && c.Services.GraceSeconds <= 3600,
		"services.graceSeconds: %d is outside 0 to 3600, a load balancer's own end", c.Services.GraceSeconds)
	found.unless(c.OriginSecretGeneration >= 1, "originSecretGeneration: %d; it counts from 1", c.OriginSecretGeneration)
	found.unless(c.Data.RecoveryDays >= 1 && c.Data.RecoveryDays <= 35, "data.recoveryDays: %d is outside 1 to 35", c.Data.RecoveryDays)
	found.unless(c.Data.UndeleteDays >= 1, "data.undeleteDays: %d; S3 keeps a deleted version for a day at least", c.Data.UndeleteDays)
	found.unless(c.Data.RestoredTable == "" || tableForm.MatchString(c.Data.RestoredTable),
		"data.restoredTable: %q is not the name of a table", c.Data.RestoredTable)
	found.unless(slices.Contains(logDays, c.LogDays), "logDays: CloudWatch knows no retention of %d days; the nearest are %v", c.LogDays, logDays)
	found.unless(c.TraceShare >= 0 && c.TraceShare <= 1, "traceShare: %v is outside 0 to 1", c.TraceShare)
	found.unless(c.AlarmEmail == "" || strings.Contains(c.AlarmEmail, "@"), "alarmEmail: %q is not an address", c.AlarmEmail)
	found.unless(c.MonthlyBudgetUSD >= 0, "monthlyBudgetUsd: %d is negative", c.MonthlyBudgetUSD)
	found.unless(c.MonthlyBudgetUSD == 0 || c.AlarmEmail != "", "monthlyBudgetUsd: nobody hears of it without alarmEmail")
	for _, role := range c.BreakGlassRoles {
		found.unless(roleForm.MatchString(role), "breakGlassRoles: %q is not the ARN of a role", role)
	}
	for _, country := range c.AllowedCountries {
		found.unless(countryForm.MatchString(country), "allowedCountries: %q is not a two-letter country code", country)
	}
	for _, origin := range c.CORSOrigins {
		found.unless(originForm.MatchString(origin), "corsOrigins: %q is not an origin such as https://app.example.com", origin)
	}
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(found...)
}

func (c Config) validateNetwork(found *problems) {
	found.unless(len(c.Zones) >= 2, "zones: %d given; a load balancer needs two", len(c.Zones))
	seen := map[string]bool{}
	for _, zone := range c.Zones {
		found.unless(strings.HasPrefix(zone, c.Region) && len(zone) == len(c.Region)+1, "zones: %q is not in %s", zone, c.Region)
		found.unless(!seen[zone], "zones: %q is there twice", zone)
		seen[zone] = true
	}
	block, err := netip.ParsePrefix(c.CIDR)
	found.unless(err == nil && block.Addr().Is4() && block == block.Masked() && block.Bits() >= 16 && block.Bits() <= 22,
		"cidr: %q is not an IPv4 block between /16 and /22", c.CIDR)
	found.unless(err != nil || block.Addr().IsPrivate(), "cidr: %s is not private (RFC 1918)", c.CIDR)
	for field, id := range map[string]string{
		"cloudFront": c.PrefixLists.CloudFront, "s3": c.PrefixLists.S3, "dynamoDb": c.PrefixLists.DynamoDB,
	} {
		found.unless(prefixListForm.MatchString(id),
			"prefixLists.%s: %q is not a prefix list; `aws ec2 describe-managed-prefix-lists --region %s` prints it", field, id, c.Region)
	}
}

func (c Config) validateDomain(found *problems) {
	if c.Domain == nil {
		found.unless(c.InsecureDevelopmentWithoutDomain,
			"domain: missing; without one there is no TLS between CloudFront and the origin, which only insecureDevelopmentWithoutDomain allows")
		found.unless(c.Region == "us-east-1",
			"region: %s; without a domain the edge learns the origin's name from a neighbouring stack, which works in us-east-1 alone", c.Region)
		return
	}
	d := *c.Domain
	found.unless(!c.InsecureDevelopmentWithoutDomain, "insecureDevelopmentWithoutDomain: contradicts domain")
	found.unless(domainForm.MatchString(d.Name), "domain.name: %q is not a lower-case host name", d.Name)
	found.unless(d.Name == d.ZoneName || strings.HasSuffix(d.Name, "."+d.ZoneName), "domain.name: %q is not in the zone %q", d.Name, d.ZoneName)
	found.unless(zoneIDForm.MatchString(d.ZoneID), "domain.zoneId: %q is not a Route 53 zone id", d.ZoneID)
}

func (c Config) validateImages(found *problems) {
	named := []string{c.Images.Metadata, c.Images.Storage, c.Images.Gateway, c.Images.Collector}
	if c.Images.Source != "" {
		found.unless(!slices.ContainsFunc(named, func(s string) bool { return s != "" }),
			"images.source: give it or the four references, not both")
		return
	}
	registry := fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/", c.Account, c.Region)
	for i, field := range []string{"metadata", "storage", "gateway", "collector"} {
		found.unless(strings.HasPrefix(named[i], registry),
			"images.%s: %q is not in %s; the subnets are isolated and reach no other registry", field, named[i], registry)
		found.unless(versionForm.MatchString(named[i]), "images.%s: %q has no tag or digest", field, named[i])
	}
}

func (c Config) validateIdentity(found *problems) {
	id := c.Identity
	issuer, err := url.Parse(id.Issuer)
	found.unless(err == nil && issuer.Scheme == "https" && issuer.Host != "", "identity.issuer: %q is not an https URL", id.Issuer)
	found.unless(id.Audience != "", "identity.audience: missing; a token for anybody would be taken")
	switch id.Keys {
	case KeysFromDocument:
		id.validateDocument(found)
		found.unless(len(id.Ranges) == 0, "identity.ranges: only for keys from the issuer")
	case KeysFromIssuer:
		found.unless(id.JWKSFile == "", "identity.jwksFile: only for keys from a document")
		found.unless(len(id.Ranges) >= 1 && len(id.Ranges) <= 5, "identity.ranges: %d given; the issuer's address ranges, 1 to 5", len(id.Ranges))
		for _, block := range id.Ranges {
			p, err := netip.ParsePrefix(block)
			// Routes and rules of the security groups are for IPv4 alone.
			found.unless(err == nil && p.Addr().Is4() && p == p.Masked() && p.Bits() >= 16,
				"identity.ranges: %q is not an IPv4 block of /16 or narrower", block)
		}
	default:
		found.unless(false, "identity.keys: %q is neither document nor issuer", id.Keys)
	}
}

// validateDocument checks that the key set has a key, and public ones alone: it
// is stored where others than the provider read it.
func (id Identity) validateDocument(found *problems) {
	var document struct {
		Keys []map[string]any `json:"keys"`
	}
	err := json.Unmarshal([]byte(id.JWKS), &document)
	found.unless(err == nil && len(document.Keys) > 0, "identity.jwksFile: holds no JSON Web Key Set with a key")
	for i, key := range document.Keys {
		found.unless(key["d"] == nil && key["k"] == nil, "identity.jwksFile: key %d is not a public one", i)
	}
}

func (c Config) validateLimits(found *problems) {
	l := c.Limits
	found.unless(l.MaxUploadBytes > 0 && l.MaxUploadBytes <= maxEdgeBody, "limits.maxUploadBytes: %d is outside 1 to %d, CloudFront's own end", l.MaxUploadBytes, int64(maxEdgeBody))
	found.unless(l.MaxJSONBytes >= 1<<10 && l.MaxJSONBytes <= l.MaxUploadBytes, "limits.maxJsonBytes: %d is outside 1024 to maxUploadBytes", l.MaxJSONBytes)
	for field, limit := range map[string]int64{
		"requestsPerIp": l.RequestsPerIP, "writesPerIp": l.WritesPerIP, "anonymousPerIp": l.AnonymousPerIP,
	} {
		found.unless(limit >= 10 && limit <= 2_000_000_000, "limits.%s: %d is outside what WAF counts, 10 to 2 000 000 000", field, limit)
	}
	found.unless(l.WritesPerIP <= l.RequestsPerIP && l.AnonymousPerIP <= l.RequestsPerIP, "limits: writesPerIp and anonymousPerIp must not exceed requestsPerIp")
	found.unless(l.TableReadsPerSec > 0 && l.TableWritesPerSec > 0, "limits: tableReadsPerSec and tableWritesPerSec must be positive")
}

// fargate lists the memory Fargate sells with a CPU size, in MiB.
var fargate = map[int][2]int{256: {512, 2048}, 512: {1024, 4096}, 1024: {2048, 8192}, 2048: {4096, 16384}, 4096: {8192, 30720}, 8192: {16384, 61440}}

func (s Service) validate(found *problems, name string) {
	memory, ok := fargate[s.CPU]
	found.unless(ok, "%s.cpu: Fargate has no task of %d CPU units", name, s.CPU)
	found.unless(!ok || s.MemoryMiB >= memory[0] && s.MemoryMiB <= memory[1] && s.MemoryMiB%1024 == 0 || s.MemoryMiB == 512 && s.CPU == 256,
		"%s.memoryMib: Fargate sells %d to %d in steps of 1024 with %d CPU units, not %d", name, memory[0], memory[1], s.CPU, s.MemoryMiB)
	found.unless(s.MinTasks >= 1 && s.MinTasks <= s.MaxTasks, "%s: minTasks %d and maxTasks %d", name, s.MinTasks, s.MaxTasks)
}

// validateProd refuses in production what is only good for trying out.
func (c Config) validateProd(found *problems) {
	if c.Stage != Prod {
		return
	}
	found.unless(!c.InsecureDevelopmentWithoutDomain, "insecureDevelopmentWithoutDomain: not in prod")
	found.unless(c.Data.Retain, "data.retain: false, in prod")
	found.unless(!c.Services.Spot, "services.spot: not in prod; a task would be taken away within a long upload")
	for name, s := range map[string]Service{"metadata": c.Services.Metadata, "storage": c.Services.Storage, "gateway": c.Services.Gateway} {
		found.unless(s.MinTasks >= 2, "services.%s.minTasks: %d, in prod", name, s.MinTasks)
	}
}

// problems collects what is wrong.
type problems []error

func (p *problems) unless(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}
