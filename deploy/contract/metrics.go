package contract

// Namespace is the CloudWatch namespace of everything the services emit.
const Namespace = "Holdfast"

// ServiceDimension tells the services' metrics apart.
const ServiceDimension = "service.name"

// Names of metrics as the services emit them through OpenTelemetry. Dashboard,
// alarms and scaling use no other name.
const (
	HTTPDuration    = "http.server.request.duration"
	RPCDuration     = "rpc.server.call.duration"
	TransferBytes   = "holdfast.transfer.bytes"
	InflightBytes   = "holdfast.transfer.inflight_bytes"
	InflightUploads = "holdfast.upload.inflight"
	SweeperBacklog  = "holdfast.sweeper.backlog"
	SweeperOldest   = "holdfast.sweeper.oldest_age_seconds"
	SweeperDeleted  = "holdfast.sweeper.deleted"
	SweeperFailed   = "holdfast.sweeper.failed"
	ExtentRetries   = "holdfast.extent.retries"
	QuotaRefusals   = "holdfast.quota.refusals"
	AccessDecisions = "holdfast.access.decisions"
	AuditLost       = "holdfast.audit.lost"
)

// SweeperBacklogMost is the largest value SweeperBacklog can have: of each of
// 256 shards of jobs, 100 that are due are counted.
const SweeperBacklogMost = 256 * 100

// Metrics are all of them.
var Metrics = []string{
	HTTPDuration, RPCDuration, TransferBytes, InflightBytes, InflightUploads,
	SweeperBacklog, SweeperOldest, SweeperDeleted, SweeperFailed,
	ExtentRetries, QuotaRefusals, AccessDecisions, AuditLost,
}
