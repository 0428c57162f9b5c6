package topology

import (
	"fmt"
	"strings"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/originproof"
)

// developmentExceptions are what living without a domain costs. A
// configuration for production can't have them.
func developmentExceptions(s Stacks) []exception {
	const why = "insecureDevelopmentWithoutDomain: without a name of our own there is no certificate. Refused in prod."
	return []exception{
		{s.Edge, "Distribution/Resource", "CFR4", "", why},
		{s.Edge, "Distribution/Resource", "CFR5", "", why},
	}
}

// proofExceptions are for the secrets between edge and origin, one of each
// accepted generation.
func proofExceptions(s Stacks, cfg config.Config) []exception {
	var all []exception
	for _, generation := range originproof.Accepted(cfg) {
		all = append(all, exception{s.Compute, fmt.Sprintf("PublicEntry/Proof%d/Resource", generation), "SMG4", "",
			"Rotated by raising originSecretGeneration: both sides change in an order that refuses no request, which a schedule on one side can't."})
	}
	return all
}

// issuerKeysPath finds the secret whose id holds the digest of its content.
func issuerKeysPath(s Stacks) string {
	for _, child := range *s.Compute.Node().Children() {
		if id := *child.Node().Id(); strings.HasPrefix(id, "IssuerKeys") {
			return id + "/Resource"
		}
	}
	panic("the stack has no IssuerKeys")
}
