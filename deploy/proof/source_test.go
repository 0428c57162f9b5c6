package proof

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/contract"
)

// source is the text of every file under a directory of the repository whose
// name ends in suffix, tests left out. This module imports nothing of the
// others; what it must agree with it reads.
func source(t *testing.T, dir, suffix string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path) //nolint:gosec // a text of the repository
		all[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no %s in %s", suffix, dir)
	}
	return all
}

var declared = regexp.MustCompile(`(?m)^service (\w+) \{`)

// TestRoutesAreTheContracts: the internal load balancer routes each service of
// the public contracts, and readiness is asked of one that there is.
func TestRoutesAreTheContracts(t *testing.T) {
	services := func(dir string) []string {
		var all []string
		for _, text := range source(t, "proto/"+dir, ".proto") {
			for _, m := range declared.FindAllStringSubmatch(text, -1) {
				all = append(all, strings.ReplaceAll(dir, "/", ".")+"."+m[1])
			}
		}
		slices.Sort(all)
		return all
	}
	for dir, routed := range map[string][]string{
		"holdfast/metadata/v1": contract.MetadataServices, "holdfast/storage/v1": contract.StorageServices,
	} {
		if want := services(dir); !slices.Equal(slices.Sorted(slices.Values(routed)), want) {
			t.Errorf("%s: %v are routed, %v are there", dir, routed, want)
		}
	}
	for _, internal := range services("holdfast/ledger/v1") {
		if slices.Contains(contract.MetadataServices, internal) || slices.Contains(contract.StorageServices, internal) {
			t.Errorf("%s is routed", internal)
		}
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(contract.GRPCReadyPath, "/"), "/")
	if health := services("holdfast/health/v1"); !slices.Contains(health, service) {
		t.Errorf("readiness is asked of %s; there are %v", service, health)
	}
}

// emitted finds names that are given to instruments, or kept in a constant.
var emitted = regexp.MustCompile(`(?i)(?:histogram\(|counter\(|gauge\(|const \w+ = )"((?:holdfast|http|rpc)\.[a-z_.]+)"`)

// TestMetricsAreInTheSource: the names in the contract are those that the
// services give their instruments, no more and no fewer.
func TestMetricsAreInTheSource(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range []string{"internal/telemetry", "services", "gateway"} {
		for _, text := range source(t, dir, ".go") {
			for _, m := range emitted.FindAllStringSubmatch(text, -1) {
				found[m[1]] = true
			}
		}
	}
	if names := slices.Sorted(maps.Keys(found)); !slices.Equal(names, slices.Sorted(slices.Values(contract.Metrics))) {
		t.Errorf("the services emit\n%s\nthe contract has\n%s", strings.Join(names, "\n"), strings.Join(contract.Metrics, "\n"))
	}
}

// TestSweeperAlarmsCanRing: the backlog is counted as far as the contract says,
// and its alarm rings before that.
func TestSweeperAlarmsCanRing(t *testing.T) {
	constant := func(dir, name string) int {
		for _, text := range source(t, dir, ".go") {
			if m := regexp.MustCompile(`(?m)^\s+` + name + `\s+= (\d+)$`).FindStringSubmatch(text); m != nil {
				n, err := strconv.Atoi(m[1])
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
		t.Fatalf("no %s in %s", name, dir)
		return 0
	}
	most := constant("services/metadata/internal/record", "JobShards") * constant("services/metadata/internal/namespace", "maxClaim")
	if most != contract.SweeperBacklogMost {
		t.Errorf("the ledger counts %d due jobs at most, the contract says %d", most, contract.SweeperBacklogMost)
	}
	for name, in := range installations {
		for id, r := range in.of("AWS::CloudWatch::Alarm") {
			if threshold, _ := r.Properties["Threshold"].(float64); strings.Contains(id, "SweeperBacklog") && threshold > contract.SweeperBacklogMost/2 {
				t.Errorf("%s %s rings above %v of at most %d", name, id, threshold, contract.SweeperBacklogMost)
			}
		}
	}
}

// TestImages: the Dockerfile has a target for each service that starts its
// binary, as the user the tasks name, on the ports they map.
func TestImages(t *testing.T) {
	raw, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	ports := map[string][]int{
		"metadata": {contract.MetadataPort, contract.LedgerPort}, "storage": {contract.StoragePort}, "gateway": {contract.GatewayPort},
	}
	for service, exposed := range ports {
		_, stage, found := strings.Cut(text, "AS "+service+"\n")
		if !found {
			t.Errorf("no target %s", service)
			continue
		}
		stage, _, _ = strings.Cut(stage, "\nFROM ")
		check := `["` + strings.Join(contract.HealthCommand(service)[1:], `", "`) + `"]`
		for _, want := range []string{`ENTRYPOINT ["/` + service + `"]`, " CMD " + check} {
			if !strings.Contains(stage, want) {
				t.Errorf("target %s has no %s", service, want)
			}
		}
		for _, port := range exposed {
			if !regexp.MustCompile(fmt.Sprintf(`(?m)^EXPOSE.*\b%d\b`, port)).MatchString(stage) {
				t.Errorf("target %s doesn't expose %d", service, port)
			}
		}
	}
	if !strings.Contains(text, "USER 65532:65532") {
		t.Error("the images run as somebody else than the tasks say")
	}
}
