// Package originproof is how the origin tells its own CloudFront distribution
// from everybody else's: all of them come from the same address ranges. The
// edge sends a secret header; the load balancer forwards nothing without it.
//
// Secrets are numbered. Generation n is sent while n and n−1 are accepted, and
// the origin is deployed before the edge. So raising n by one rotates without
// refusing a request at any moment, also when either deployment is rolled back;
// raising it once more retires the old value. Each generation is a resource of
// its own, because CloudFormation resolves a secret only when the resource that
// refers to it changes.
package originproof

import (
	"fmt"

	"github.com/holdfast-files/holdfast/deploy/config"
)

// Header carries the secret.
const Header = "X-Holdfast-Origin"

// EdgeRegion is where CloudFront's stack lives and where the secret has to be
// readable as well.
const EdgeRegion = "us-east-1"

// Sent is the generation the edge sends.
func Sent(cfg config.Config) int { return cfg.OriginSecretGeneration }

// Accepted are the generations the origin takes.
func Accepted(cfg config.Config) []int {
	if cfg.OriginSecretGeneration == 1 {
		return []int{1}
	}
	return []int{cfg.OriginSecretGeneration, cfg.OriginSecretGeneration - 1}
}

// SecretName is the name of a generation's secret, the same in both regions.
func SecretName(cfg config.Config, generation int) string {
	return fmt.Sprintf("holdfast-%s-origin-proof-%d", cfg.Stage, generation)
}
