package config

// defaults are what a stage means where the file says nothing.
func defaults(stage Stage) Config {
	c := Config{
		Stage:                  stage,
		CIDR:                   "10.64.0.0/16",
		OriginSecretGeneration: 1,
		Identity:               Identity{Keys: KeysFromDocument, Bootstrap: true},
		Limits: Limits{
			MaxUploadBytes: 50 << 30,
			MaxJSONBytes:   16 << 10,
			// Twice what a gateway lets through from one address, and half as
			// much again: it refuses a flood by the second, and what it refused is
			// counted here too.
			RequestsPerIP:     60_000,
			WritesPerIP:       45_000,
			AnonymousPerIP:    1_000,
			TableReadsPerSec:  40_000,
			TableWritesPerSec: 20_000,
		},
		Services: Services{
			Metadata: Service{CPU: 1024, MemoryMiB: 2048, MinTasks: 3, MaxTasks: 12},
			Storage:  Service{CPU: 2048, MemoryMiB: 4096, MinTasks: 3, MaxTasks: 24},
			Gateway:  Service{CPU: 1024, MemoryMiB: 2048, MinTasks: 3, MaxTasks: 24},

			GraceSeconds: 3600, UploadMemoryMiB: 1024,
		},
		Data:    Data{Retain: true, RecoveryDays: 35, UndeleteDays: 7},
		LogDays: 365, TraceShare: 0.05,
	}
	if stage == Dev {
		small := Service{CPU: 256, MemoryMiB: 1024, MinTasks: 1, MaxTasks: 1}
		c.Services = Services{
			Metadata: small, Storage: small, Gateway: small, Spot: true,
			GraceSeconds: 60, UploadMemoryMiB: 192,
		}
		c.Limits.TableReadsPerSec, c.Limits.TableWritesPerSec = 2_000, 1_000
		c.Data = Data{Retain: false, RecoveryDays: 1, UndeleteDays: 1}
		c.LogDays, c.TraceShare = 7, 1
	}
	return c
}
