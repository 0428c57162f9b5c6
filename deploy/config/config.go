// Package config is the whole of what an operator decides: one JSON file,
// typed, filled with the defaults of its stage and checked before anything is
// synthesised.
package config

// Stage is the purpose of an installation.
type Stage string

// The stages. Dev is cheap and throw-away: one task each, data deleted with
// the stack. Prod keeps everything twice and lets go of nothing.
const (
	Dev  Stage = "dev"
	Prod Stage = "prod"
)

// Config describes one installation.
type Config struct {
	Stage   Stage  `json:"stage"`
	Account string `json:"account"` // 12 digits
	Region  string `json:"region"`  // of everything but the edge, which is in us-east-1

	// Zones are the availability zones used, at least two: a load balancer
	// needs them. Default: the region's a and b.
	Zones []string `json:"zones"`
	CIDR  string   `json:"cidr"` // of the VPC, /16 to /22

	// Domain is what users call. Without one, InsecureDevelopmentWithoutDomain
	// must say so: CloudFront then has its default certificate, speaks plain
	// HTTP to the origin, and VPC clients get no gRPC entry.
	Domain                           *Domain `json:"domain"`
	InsecureDevelopmentWithoutDomain bool    `json:"insecureDevelopmentWithoutDomain"`

	// AllowedCountries are where users may call from, ISO 3166-1 alpha-2;
	// empty: anywhere. With fewer than three of the regions Route 53 asks from
	// in them there is no canary, and no alarm when the URL can't be reached.
	AllowedCountries []string `json:"allowedCountries"`

	// CORSOrigins are origins of web pages of other sites that may call, such as
	// https://app.example.com; "*" is none.
	CORSOrigins []string `json:"corsOrigins"`

	Images   Images   `json:"images"`
	Identity Identity `json:"identity"`

	// OriginSecretGeneration numbers the secret by which the origin knows
	// CloudFront. Raise it by one to rotate: the origin accepts this
	// generation and the one before, the edge sends this one. Raised by two at
	// once, it refuses all calls until the edge is deployed.
	OriginSecretGeneration int `json:"originSecretGeneration"`

	PrefixLists PrefixLists `json:"prefixLists"`
	Limits      Limits      `json:"limits"`
	Services    Services    `json:"services"`
	Data        Data        `json:"data"`

	LogDays          int      `json:"logDays"`          // retention of every log group
	TraceShare       float64  `json:"traceShare"`       // of requests that are traced, 0 to 1
	AlarmEmail       string   `json:"alarmEmail"`       // hears of alarms; empty: nobody subscribes
	MonthlyBudgetUSD int      `json:"monthlyBudgetUsd"` // 0: no budget
	BreakGlassRoles  []string `json:"breakGlassRoles"`  // role ARNs that may reach data from outside the VPC
}

// Domain is the public name of the installation and the Route 53 zone it is in.
type Domain struct {
	Name     string `json:"name"` // files.example.com
	ZoneID   string `json:"zoneId"`
	ZoneName string `json:"zoneName"` // example.com
}

// Origin is the name CloudFront calls the public load balancer by.
func (d Domain) Origin() string { return "origin." + d.Name }

// GRPC is the name VPC clients call the internal load balancer by.
func (d Domain) GRPC() string { return "grpc." + d.Name }

// Images are either references to images already in a registry of this
// account, or a directory from which `cdk deploy` builds and pushes them.
type Images struct {
	Metadata  string `json:"metadata"`
	Storage   string `json:"storage"`
	Gateway   string `json:"gateway"`
	Collector string `json:"collector"`
	Source    string `json:"source"` // directory with the Dockerfile, relative to the config file
}

// KeySource tells where metadata gets the keys of the identity provider.
type KeySource string

const (
	// KeysFromDocument injects the provider's key set; no egress is opened.
	KeysFromDocument KeySource = "document"
	// KeysFromIssuer lets metadata, and nothing else, call the issuer.
	KeysFromIssuer KeySource = "issuer"
)

// Identity is the OIDC provider whose tokens are accepted.
type Identity struct {
	Keys     KeySource `json:"keys"`
	Issuer   string    `json:"issuer"`   // https URL
	Audience string    `json:"audience"` // what tokens must be meant for
	JWKSFile string    `json:"jwksFile"` // public keys, relative to the config file; for "document"
	Ranges   []string  `json:"ranges"`   // IPv4 CIDRs of the issuer, ≤ 5; for "issuer"

	GroupsClaim string `json:"groupsClaim"` // claim that lists groups, such as cognito:groups; empty: groups
	AdminGroup  string `json:"adminGroup"`  // its members are administrators; empty: nobody is by a token

	// Bootstrap is whether there is a key of the first administrator. Without one
	// an administrator must be there: AdminGroup, or an API key that was made.
	Bootstrap bool `json:"bootstrap"`

	// JWKS is the content of JWKSFile.
	JWKS string `json:"-"`
}

// PrefixLists are AWS-managed lists of addresses in the region. Known regions
// need none.
type PrefixLists struct {
	CloudFront string `json:"cloudFront"` // com.amazonaws.global.cloudfront.origin-facing
	S3         string `json:"s3"`
	DynamoDB   string `json:"dynamoDb"`
}

// Limits are what the edge refuses.
type Limits struct {
	MaxUploadBytes    int64 `json:"maxUploadBytes"`   // one request; CloudFront itself ends at 64 GB
	MaxJSONBytes      int64 `json:"maxJsonBytes"`     // a body anywhere but on a byte route
	RequestsPerIP     int64 `json:"requestsPerIp"`    // in 5 minutes
	WritesPerIP       int64 `json:"writesPerIp"`      // in 5 minutes
	AnonymousPerIP    int64 `json:"anonymousPerIp"`   // in 5 minutes, without Authorization; preflights don't count
	TableReadsPerSec  int64 `json:"tableReadsPerSec"` // DynamoDB's ceiling, against a runaway
	TableWritesPerSec int64 `json:"tableWritesPerSec"`
}

// Services sizes the three services.
type Services struct {
	Metadata Service `json:"metadata"`
	Storage  Service `json:"storage"`
	Gateway  Service `json:"gateway"`
	Spot     bool    `json:"spot"` // Fargate Spot: cheaper, may be taken away at two minutes' notice

	// GraceSeconds is how long a task that is to go keeps the transfers it has
	// before it is asked to stop, 0 to 3600. A release takes as long.
	GraceSeconds int `json:"graceSeconds"`

	// UploadMemoryMiB is how much a storage task gives to the buffers of its
	// uploads, and as much again to parts on their way to S3; an upload that
	// finds none waits. Storage scales out well before that.
	UploadMemoryMiB int `json:"uploadMemoryMib"`
}

// Service sizes one Fargate service.
type Service struct {
	CPU       int `json:"cpu"` // 1024 is one vCPU
	MemoryMiB int `json:"memoryMib"`
	MinTasks  int `json:"minTasks"`
	MaxTasks  int `json:"maxTasks"`
}

// Data is how data is kept.
type Data struct {
	Retain       bool `json:"retain"`       // deletion protection, termination protection, kept when a stack goes
	RecoveryDays int  `json:"recoveryDays"` // point-in-time recovery; blobs outlive it by a day
	UndeleteDays int  `json:"undeleteDays"` // how long S3 keeps what the sweeper deleted

	// RestoredTable is a table that point-in-time recovery made of the stack's
	// own, to be used in its place; empty: the stack's own is used. It must be
	// under the same key. README, Restoring.
	RestoredTable string `json:"restoredTable"`
}
