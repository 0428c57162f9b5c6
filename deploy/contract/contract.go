// Package contract states, in one place, what the deployed images accept: the
// ports they listen on, the flags and variables they read, the paths they
// answer health checks on and the metrics they emit. Nothing else in this
// module spells any of it, and a test starts the real binaries with exactly
// the arguments built here.
package contract

import (
	"strconv"
	"strings"
)

// Ports the processes listen on.
const (
	GatewayPort  = 8080
	MetadataPort = 9081
	LedgerPort   = 9082 // metadata's internal listener; storage is its only caller
	StoragePort  = 9083
)

// Paths the load balancers ask whether a task should get new work. Both turn
// unhealthy by status (503, UNAVAILABLE) as soon as a task starts to drain:
// a load balancer never reads the body of a health answer.
const (
	GatewayReadyPath = "/readyz"
	GRPCReadyPath    = "/holdfast.health.v1.ReadinessService/Check"
)

// Times that must fit together, in seconds. A task that is told to stop fails
// readiness, serves on for DrainDelay while its name leaves DNS and each target
// group notices, then finishes calls for Drain and exits before Fargate kills it
// at Stop, the largest Fargate grants.
const (
	DrainDelaySeconds = 15
	DrainSeconds      = 90
	StopSeconds       = 120
	// GatewayIdleSeconds is how long the gateway keeps an idle connection open
	// at least. The load balancer closes its side earlier, so that it never
	// sends a request down a connection the gateway is just closing.
	GatewayIdleSeconds = 130
	// ConnectionAgeSeconds is when a gRPC server asks a client to reconnect,
	// which is how clients learn of tasks that were added. Streams in flight
	// are not cut.
	ConnectionAgeSeconds = 300
)

// Variables carrying secrets. Fargate injects a secret as a variable, never as
// a file, so each of these holds the value itself.
const (
	JWKSVariable         = "HOLDFAST_JWKS"          // metadata: JSON Web Key Set, RFC 7517 §5
	GrantKeyVariable     = "HOLDFAST_GRANT_KEY"     // metadata: MAC key of grants and page tokens
	LedgerTokenVariable  = "HOLDFAST_LEDGER_TOKEN"  // metadata and storage: storage's own credential
	BootstrapKeyVariable = "HOLDFAST_BOOTSTRAP_KEY" // metadata: the first administrator's key
)

// TelemetryEndpoint is where every process sends OTLP: the collector beside it.
const (
	TelemetryVariable = "OTEL_EXPORTER_OTLP_ENDPOINT"
	TelemetryEndpoint = "http://127.0.0.1:4317"
	MemoryVariable    = "GOMEMLIMIT"
)

// SamplerVariable and ShareVariable tell the SDK which traces to keep. The
// gateway decides for itself: callers of the internet also send a trace
// context, and could have each request of theirs recorded at our cost. Behind
// it, and for callers inside the VPC, what began is kept.
const (
	SamplerVariable = "OTEL_TRACES_SAMPLER"
	ShareVariable   = "OTEL_TRACES_SAMPLER_ARG"
	SampleOwn       = "traceidratio"
	SampleBegun     = "parentbased_traceidratio"
)

// Attributes of the record table. The keys are binary: they sort by bytes.
const (
	TablePartitionKey = "pk"
	TableSortKey      = "sk"
	TableTTL          = "ttl" // seconds since the epoch, read late by design: readers check it too
)

// MetadataServices and StorageServices are the gRPC services a load balancer
// may route. The ledger's is not among them.
var (
	MetadataServices = []string{
		"holdfast.metadata.v1.SpaceService",
		"holdfast.metadata.v1.FileService",
		"holdfast.metadata.v1.UploadService",
		"holdfast.metadata.v1.ShareService",
		"holdfast.metadata.v1.KeyService",
		"holdfast.metadata.v1.MemberService",
	}
	StorageServices = []string{"holdfast.storage.v1.ContentService", "holdfast.storage.v1.ResumableService"}
)

// Identity is how metadata recognises callers. With Discovery the issuer's
// keys are fetched; without it they come from JWKSVariable.
type Identity struct {
	Issuer      string
	Audience    string
	Discovery   bool
	GroupsClaim string // empty: the service's own default
	AdminGroup  string // empty: none
}

// MetadataFlags are the arguments of the metadata image. Bytes outlive their
// last record for blobRetentionDays. In the VPC's addresses are gateway and
// storage, whose word for where a caller is metadata takes, but also the
// internal load balancer, whose clients could give any: of a call with
// X-Forwarded-For, which a load balancer always adds to, a service takes the
// last hop there for the address, and no word beside it.
func MetadataFlags(table string, identity Identity, blobRetentionDays int, vpc string) []string {
	flags := append(common(MetadataPort),
		"--trusted-peers="+vpc,
		"--space=", // the first administrator makes the first one
		"--ledger-listen=0.0.0.0:"+strconv.Itoa(LedgerPort),
		"--engine=dynamodb",
		"--table="+table,
		"--blob-retention="+strconv.Itoa(24*blobRetentionDays)+"h",
		"--oidc-issuer="+identity.Issuer,
		"--oidc-audience="+identity.Audience,
	)
	if identity.Discovery {
		flags = append(flags, "--oidc-discovery")
	}
	if identity.GroupsClaim != "" {
		flags = append(flags, "--oidc-groups-claim="+identity.GroupsClaim)
	}
	if identity.AdminGroup != "" {
		flags = append(flags, "--oidc-admin-group="+identity.AdminGroup)
	}
	return append(flags, connectionAge())
}

// StorageFlags are the arguments of the storage image. The buffers of all
// uploads together take uploadMemoryMiB, and so do the parts on their way to S3.
func StorageFlags(bucket, metadataHost string, uploadMemoryMiB int, vpc string) []string {
	return append(common(StoragePort),
		"--trusted-peers="+vpc,
		"--ledger="+target(metadataHost, LedgerPort),
		"--engine=s3",
		"--bucket="+bucket,
		"--upload-memory="+strconv.Itoa(uploadMemoryMiB),
		"--s3-memory="+strconv.Itoa(uploadMemoryMiB),
		connectionAge(),
	)
}

// GatewayFlags are the arguments of the gateway image. Two proxies stand
// before it, so the caller's address is the second from the right in
// X-Forwarded-For: CloudFront appended the caller, the load balancer
// CloudFront. That one is in the VPC. Pages of the origins may call it.
func GatewayFlags(metadataHost, storageHost, vpc string, origins []string) []string {
	flags := append(common(GatewayPort),
		"--auth",
		"--metadata="+target(metadataHost, MetadataPort),
		"--storage="+target(storageHost, StoragePort),
		"--trusted-proxies=2",
		"--proxy-networks="+vpc,
	)
	if len(origins) > 0 {
		flags = append(flags, "--cors-origins="+strings.Join(origins, ","))
	}
	return flags
}

// HealthCommand asks the process in the same container whether it serves; the
// images have no shell.
func HealthCommand(service string) []string {
	return []string{"CMD", "/" + service, "health"}
}

// common are the flags every service takes. Plaintext has to be asked for: TLS
// ends at the load balancers, and behind them the security groups name each
// caller.
func common(port int) []string {
	return []string{
		"--listen=0.0.0.0:" + strconv.Itoa(port),
		"--drain-delay=" + seconds(DrainDelaySeconds),
		"--drain-timeout=" + seconds(DrainSeconds),
		"--plaintext",
	}
}

func connectionAge() string { return "--max-connection-age=" + seconds(ConnectionAgeSeconds) }

// target is an address gRPC resolves by DNS, its default scheme; clients spread
// calls over all addresses of the name (round_robin).
func target(host string, port int) string { return host + ":" + strconv.Itoa(port) }

func seconds(n int) string { return strconv.Itoa(n) + "s" }
