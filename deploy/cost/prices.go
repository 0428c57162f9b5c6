// Package cost adds up what an installation costs from its templates and from
// list prices. The tables in README.md are its output.
package cost

// Taken is the month of whose price list they are.
const Taken = "June 2025"

// List prices of us-east-1 in USD, without free tiers. They are written down by
// hand: nothing here asks AWS.
const (
	hours = 730.0 // a month

	fargateVCPU = 0.03238 // an hour, arm64
	fargateGiB  = 0.00356 // an hour, arm64
	spotShare   = 0.35    // of the above, about; it moves

	endpointZone = 0.01   // an interface endpoint in one zone, an hour
	balancer     = 0.0225 // an hour, before its capacity units
	address      = 0.005  // a public IPv4 address, an hour
	natGateway   = 0.045  // an hour

	webACL       = 5.0  // a month
	webACLRule   = 1.0  // a month, a managed group too
	key          = 1.0  // a month
	secret       = 0.40 // a month, a replica too
	healthCheck  = 2.75 // a month, of an address outside AWS, by HTTPS
	hostedZone   = 0.50 // a month
	alarmMetric  = 0.10 // a month, for each metric an alarm reads
	customMetric = 0.30 // a month
	dashboard    = 3.0  // a month
	edgeMetrics  = 8    // that CloudFront's additional metrics are
	bucketMetric = 16   // that a bucket's request metrics are
	// Container Insights with enhanced observability sells some 30 metrics of
	// each running task, at 0.07 a month each, by the second it runs.
	taskInsights = 30 * 0.07

	million = 1e6

	writeUnits = 0.625 // a million
	readUnits  = 0.125 // a million
	blobPut    = 5.00  // a million
	blobGet    = 0.40  // a million
	edgeCall   = 1.00  // a million, HTTPS
	webACLCall = 0.60  // a million
	logged     = 0.50  // a GB written to a log
	traced     = 5.00  // a million traces recorded
)

// What one request writes to logs: CloudFront's line, and one of each service
// it passes, in bytes.
const (
	edgeLine    = 700
	serviceLine = 400
)
