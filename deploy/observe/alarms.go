package observe

import (
	"strings"

	"github.com/holdfast-files/holdfast/deploy/alarm"
	"github.com/holdfast-files/holdfast/deploy/contract"
)

// ringForUsers watches what users notice at the load balancers.
func ringForUsers(bell alarm.Bell, m metrics) {
	bell.Ring("GatewayErrors", "The gateway answers with server errors. Its log has the request ids.",
		alarm.When{Metric: m.publicALB("HTTPCode_Target_5XX_Count", "Sum"), Over: 20})
	bell.Ring("NoAnswer", "The load balancer finds no gateway task that answers.",
		alarm.When{Metric: m.publicALB("HTTPCode_ELB_5XX_Count", "Sum"), Over: 20})
	bell.Ring("Slow", "One request in a hundred waits longer than 5 s for its first byte.",
		alarm.When{Metric: m.publicALB("TargetResponseTime", "p99"), Over: 5, Minutes: 10})
	if m.compute.InternalALB != nil {
		bell.Ring("NoGRPCAnswer", "The internal load balancer finds no task that answers gRPC.",
			alarm.When{Metric: m.internalALB("HTTPCode_ELB_5XX_Count", "Sum"), Over: 20})
	}
}

// ringForServices watches each service for too few tasks and for saturation.
func ringForServices(bell alarm.Bell, m metrics) {
	sizes := map[string]int{
		"gateway": m.cfg.Services.Gateway.MinTasks, "storage": m.cfg.Services.Storage.MinTasks, "metadata": m.cfg.Services.Metadata.MinTasks,
	}
	for _, service := range services {
		name := strings.ToUpper(service[:1]) + service[1:]
		bell.Ring(name+"TooFew", "Fewer "+service+" tasks run than the least configured. Look at the service's events.",
			alarm.When{Metric: m.running(service), Under: float64(sizes[service]), Minutes: 10, Silence: true})
		bell.Ring(name+"CPU", "The CPU of "+service+" is used up although it may scale out.",
			alarm.When{Metric: m.task(service, "CPUUtilization", "Average"), Over: 85, Minutes: 10})
		bell.Ring(name+"Memory", "A "+service+" task is about to be killed for its memory.",
			alarm.When{Metric: m.task(service, "MemoryUtilization", "Maximum"), Over: 90, Minutes: 5})
		if targets := m.healthyTargets(service); targets != nil {
			bell.Ring(name+"Unhealthy", "No "+service+" task is ready for work.",
				alarm.When{Metric: targets, Under: 1, Silence: true})
		}
	}
	// Storage scales out at 60 %; at 90 it can't, or not enough.
	bell.Ring("TransfersSaturated", "The memory that storage has for uploads is used up; uploads wait.", alarm.When{
		Metric: m.own("storage", contract.InflightBytes, "Average"), Over: 0.9 * float64(m.cfg.Services.UploadMemoryMiB<<20), Minutes: 10,
	})
	bell.Ring("AuditLost", "Lines of the audit log could not be written: who did what meanwhile stands nowhere.",
		alarm.When{Metric: m.own("metadata", contract.AuditLost, "Sum"), Over: 0, Minutes: 1})
}

// ringForStores watches the sweeper, the table and the bucket.
func ringForStores(bell alarm.Bell, m metrics) {
	bell.Ring("SweeperBehind", "What should be swept has waited for six hours; storage fills up with what nobody owns.",
		alarm.When{Metric: m.own("storage", contract.SweeperOldest, "Maximum"), Over: 6 * 3600, Minutes: 30})
	// How many are due is only counted up to contract.SweeperBacklogMost.
	bell.Ring("SweeperBacklog", "Ten thousand jobs or more wait for the sweeper, for half an hour: it can't keep up.",
		alarm.When{Metric: m.own("storage", contract.SweeperBacklog, "Maximum"), Over: 10_000, Minutes: 30})
	bell.Ring("SweeperFails", "The sweeper fails to delete. Its log line names the blob and the error.",
		alarm.When{Metric: m.own("storage", contract.SweeperFailed, "Sum"), Over: 10, Minutes: 30})
	bell.Ring("ReadsThrottled", "DynamoDB refuses reads: a hot key, or the ceiling in the configuration.",
		alarm.When{Metric: m.table("ReadThrottleEvents"), Over: 10, Minutes: 5})
	bell.Ring("WritesThrottled", "DynamoDB refuses writes: a hot key, or the ceiling in the configuration.",
		alarm.When{Metric: m.table("WriteThrottleEvents"), Over: 10, Minutes: 5})
	bell.Ring("BucketErrors", "S3 answers with server errors.",
		alarm.When{Metric: m.bucket("5xxErrors"), Over: 20, Minutes: 5})
	// A quarter of the ceiling around the clock costs more than most mistakes
	// are worth.
	bell.Ring("RunawayWrites", "Writes to the table stay at a quarter of the ceiling for half an hour: somebody pays for this.",
		alarm.When{Metric: m.table("ConsumedWriteCapacityUnits"), Over: float64(m.cfg.Limits.TableWritesPerSec) * 60 / 4, Minutes: 30})
	bell.Ring("RunawayReads", "Reads of the table stay at a quarter of the ceiling for half an hour: somebody pays for this.",
		alarm.When{Metric: m.table("ConsumedReadCapacityUnits"), Over: float64(m.cfg.Limits.TableReadsPerSec) * 60 / 4, Minutes: 30})
}
