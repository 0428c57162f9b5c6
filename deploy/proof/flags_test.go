package proof

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// flagged is a field of settings: its name, and that of its flag where it isn't
	// the same in small letters.
	flagged = regexp.MustCompile("(?m)^\\t+(\\w+) +\\S+ +`(?:[^`]* )?help:\"[^`]*`$")
	renamed = regexp.MustCompile(`[\x60 ]name:"([^"]+)"`)
	humps   = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// unset are flags that an installation has at their default, and why; those of
// one service alone with its name.
var unset = map[string]string{
	"version": "prints and exits",

	"tls-cert": noTLS, "tls-key": noTLS, "tls-ca": noTLS, "ledger-client": noTLS,
	"jwks-file": noFiles, "bootstrap-key-file": noFiles, "ledger-token-file": noFiles, "grant-key-file": noFiles,
	"data-dir": otherEngine, "dynamodb-endpoint": otherEngine, "s3-endpoint": otherEngine,

	"address-rate": fitting, "address-burst": fitting, "address-concurrency": fitting, "credential-rate": fitting, "credential-burst": fitting,
	"max-connections": balancers, "address-connections": balancers,

	"metadata auth":  "implied by the issuer",
	"audit-log":      "no installation is without",
	"log-level":      "at info, errors and what is lost are logged; below it names of files might be",
	"inspect-listen": "the task's own loopback, which nobody reaches",

	"trash-retention": asEverywhere, "upload-lifetime": asEverywhere, "upload-expiry": asEverywhere, "sweep-grace": asEverywhere,
	"max-open-uploads": asEverywhere, "upload-stall": asEverywhere, "commit-timeout": asEverywhere,
	"sweep-interval": asEverywhere, "sweep-rate": asEverywhere, "sweep-lease": asEverywhere, "orphan-grace": asEverywhere,
	"read-rate": asEverywhere, "read-burst": asEverywhere, "write-rate": asEverywhere, "write-burst": asEverywhere,
}

const (
	noTLS        = "TLS ends at the load balancers; behind them security groups name each caller"
	noFiles      = "Fargate gives secrets as variables"
	otherEngine  = "of another engine, or another server of it, than AWS's own"
	fitting      = "the firewall's limits are fitted to it: TestClientsOutlastTheFirewall"
	balancers    = "only a load balancer connects, which is a trusted proxy"
	asEverywhere = "means the same on AWS as anywhere, and tasks are sized for the default"
)

// flags are those that a program has by the settings in the directories.
func flags(t *testing.T, dirs ...string) []string {
	t.Helper()
	var all []string
	for _, dir := range dirs {
		for _, text := range source(t, dir, ".go") {
			for _, m := range flagged.FindAllStringSubmatch(text, -1) {
				name := strings.ToLower(humps.ReplaceAllString(m[1], "$1-$2"))
				if other := renamed.FindStringSubmatch(m[0]); other != nil {
					name = other[1]
				}
				all = append(all, name)
			}
		}
	}
	return all
}

// TestEveryFlagCanBeHad: what a service can be told by a flag, an installation
// tells it, or has a setting for, or does without for a reason.
func TestEveryFlagCanBeHad(t *testing.T) {
	known := map[string]bool{}
	for service, dir := range map[string]string{"gateway": "gateway", "metadata": "services/metadata", "storage": "services/storage"} {
		told := map[string]bool{}
		for _, in := range installations {
			c := in.container(t, service)
			for _, argument := range arguments(c) {
				flag, _, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
				told[flag] = true
			}
			secrets, _ := c["Secrets"].([]any)
			for _, secret := range secrets {
				variable := strings.TrimPrefix(at(secret, "Name").(string), "HOLDFAST_")
				told[strings.ReplaceAll(strings.ToLower(variable), "_", "-")] = true
			}
		}
		has := flags(t, dir, "internal/certificate", "internal/settings")
		for _, flag := range has {
			why := cmp.Or(unset[service+" "+flag], unset[flag])
			known[flag], known[service+" "+flag] = true, true
			if told[flag] == (why != "") {
				t.Errorf("%s --%s: told to the service: %v; why it isn't: %q", service, flag, told[flag], why)
			}
		}
		for flag := range told {
			if !slices.Contains(has, flag) {
				t.Errorf("%s is told --%s, which it hasn't", service, flag)
			}
		}
	}
	for _, flag := range slices.Sorted(maps.Keys(unset)) {
		if !known[flag] {
			t.Errorf("no service has --%s", flag)
		}
	}
}
