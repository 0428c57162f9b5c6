package proof

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/deploy/reach"
)

// restoredTable is the name of a table that was restored. No stack has it.
const restoredTable = "records-restored"

// withRestored is the world in which there is the restored table, under the key
// of the one it was restored from, and with its policy or without.
func withRestored(t *testing.T, guarded bool) reach.World {
	t.Helper()
	in := installations["restored"]
	replica := object{}
	was := at(in.one(t, "AWS::DynamoDB::GlobalTable").Properties, "Replicas", 0)
	for _, key := range []string{"Region", "SSESpecification", "ResourcePolicy"} {
		if guarded || key != "ResourcePolicy" {
			replica[key] = at(was, key)
		}
	}
	return in.world(t).Add("data", "Restored", "AWS::DynamoDB::GlobalTable", object{"TableName": restoredTable, "Replicas": []any{replica}})
}

// TestRestoredTableIsReached: named in the configuration, a restored table takes
// the place of the stack's own, by door and by role, before metadata is told.
func TestRestoredTableIsReached(t *testing.T) {
	before, after := installations["prod"].world(t).Facts(), withRestored(t, true).Facts()
	gone, come := reach.Diff(before, after)
	place := func(facts []string) []string {
		var all []string
		for _, fact := range facts {
			if strings.HasPrefix(fact, "data metadata") || strings.Contains(fact, "outside the VPC") {
				all = append(all, strings.ReplaceAll(fact, "in data/Restored", "in data/Records"))
			}
		}
		return all
	}
	// Of metadata's, each is there for the one table as it was for the other.
	used := func(facts []string) []string {
		return slices.DeleteFunc(place(facts), func(fact string) bool { return !strings.HasPrefix(fact, "data metadata") })
	}
	if was, is := used(gone), used(come); len(was) == 0 || !slices.Equal(was, is) {
		t.Errorf("metadata lost\n\t%v\nand has\n\t%v", gone, come)
	}
	// Everybody else may do to the one what they may to the other, and no more.
	for _, fact := range place(come) {
		if !slices.Contains(before, fact) {
			t.Errorf("opened: %s", fact)
		}
	}
	manifest, err := os.ReadFile(filepath.Join(installations["restored"].dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := json.Unmarshal(manifest, &parsed); err != nil {
		t.Fatal(err)
	}
	first, _ := at(parsed, "artifacts", "holdfast-prod-compute", "dependencies").([]any)
	if !slices.Contains(first, any("holdfast-prod-data")) {
		t.Errorf("compute is deployed after %v, not after the door opens", first)
	}
}

// takenAlong are properties of the table that its restored copy has by itself,
// or that are of no table of its own. The others are what README must say to set
// again, and how.
var (
	takenAlong = []string{"AttributeDefinitions", "KeySchema", "BillingMode", "Replicas", "SSESpecification", "Region"}
	setAgain   = map[string]string{
		"ResourcePolicy": "`put-resource-policy`", "TimeToLiveSpecification": "`update-time-to-live` on the attribute `ttl`",
		"PointInTimeRecoverySpecification": "`update-continuous-backups`", "DeletionProtectionEnabled": "`--deletion-protection-enabled`",
		"ReadOnDemandThroughputSettings": "`--on-demand-throughput`", "WriteOnDemandThroughputSettings": "`--on-demand-throughput`",
		"ContributorInsightsSpecification": "`update-contributor-insights`",
	}
)

// restoring is what README says of it.
func restoring(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(raw), "**Restoring.**")
	text, _, ends := strings.Cut(after, "\n**")
	if !found || !ends {
		t.Fatal("README.md says nothing of restoring")
	}
	return text
}

// TestRestoredTableIsGuardedAgain: a restored table is open to the account until
// what the stack gave to its own is given to it; README has all of that.
func TestRestoredTableIsGuardedAgain(t *testing.T) {
	const open = "data administrator outside the VPC may dynamodb:GetItem"
	for _, guarded := range []bool{true, false} {
		_, come := reach.Diff(installations["prod"].world(t).Facts(), withRestored(t, guarded).Facts())
		opened := slices.ContainsFunc(come, func(fact string) bool { return strings.HasPrefix(fact, open) })
		if opened == guarded {
			t.Errorf("with a policy: %v, open: %v", guarded, opened)
		}
	}
	text, table := restoring(t), installations["prod"].one(t, "AWS::DynamoDB::GlobalTable").Properties
	for _, properties := range []any{table, at(table, "Replicas", 0)} {
		for key := range properties.(map[string]any) {
			if !slices.Contains(takenAlong, key) && (setAgain[key] == "" || !strings.Contains(text, setAgain[key])) {
				t.Errorf("the table has %s; README doesn't say that a restored one must be given it", key)
			}
		}
	}
}

// TestRestoredTableHasNoOldRights: a restored table has the rights back that were
// taken away since; README says, before traffic moves to it, how to find each in
// the audit log, by the method that takes such a thing away, and to do it again.
func TestRestoredTableHasNoOldRights(t *testing.T) {
	before, _, found := strings.Cut(restoring(t), "`data.restoredTable`")
	if !found {
		t.Fatal("README.md doesn't say how traffic moves")
	}
	_, query, _ := strings.Cut(before, "    filter logger = \"audit\"")
	query, after, _ := strings.Cut(query, "\n\n")
	form := regexp.MustCompile(`/(\S+)/`).FindStringSubmatch(query)
	if form == nil {
		t.Fatalf("README.md looks for nothing in the audit log: %q", query)
	}
	asked := regexp.MustCompile(form[1])
	takes := regexp.MustCompile(`(?m)^  rpc ((?:Delete|Update)(?:Key|Member|Share)|DeleteSpace)\(`)
	methods := 0
	for _, text := range source(t, "proto/holdfast/metadata/v1", ".proto") {
		service := declared.FindStringSubmatch(text)
		for _, m := range takes.FindAllStringSubmatch(text, -1) {
			methods++
			if method := "holdfast.metadata.v1." + service[1] + "/" + m[1]; !asked.MatchString(method) {
				t.Errorf("README.md doesn't look for calls of %s since", method)
			}
		}
	}
	if methods != 6 {
		t.Errorf("%d methods take rights away", methods)
	}
	if !strings.Contains(after, "curl -X DELETE http://127.0.0.1:8080/v1/RESOURCE") {
		t.Error("README.md doesn't say how to take them away again")
	}
}

// commands are those of README's text that begin with the word, as arguments,
// with table and bucket by name.
func commands(text, word string) [][]string {
	var all [][]string
	for _, line := range strings.Split(text, "\n") {
		if words := strings.Fields(line); strings.HasPrefix(line, "    ") && words[0] == word {
			for i := range words {
				words[i] = strings.NewReplacer("RESTORED", "reference", "BUCKET", "reference").Replace(words[i])
			}
			all = append(all, words[1:])
		}
	}
	return all
}

// checkOfARestore is how README starts each program to check a restored table.
func checkOfARestore(t *testing.T) map[string][]string {
	t.Helper()
	text, flags := restoring(t), map[string][]string{}
	for _, name := range []string{"metadata", "storage", "holdfast"} {
		all := commands(text, name)
		if len(all) != 1 {
			t.Fatalf("README starts %s by %v", name, all)
		}
		flags[name] = all[0]
	}
	return flags
}

// TestCheckOfARestoreDeletesNothing: the bucket beside which a restored table is
// checked is in use, and README's check never sweeps it.
func TestCheckOfARestoreDeletesNothing(t *testing.T) {
	flags := checkOfARestore(t)
	// As metadata is deployed, so that what it drops is kept as long.
	deployed := arguments(installations["prod"].container(t, "metadata"))
	for _, flag := range []string{"--engine=", "--space=", "--blob-retention="} {
		of := func(all []string) string {
			at := slices.IndexFunc(all, func(one string) bool { return strings.HasPrefix(one, flag) })
			if at < 0 {
				return "nothing"
			}
			return all[at]
		}
		if of(flags["metadata"]) != of(deployed) {
			t.Errorf("to check it is started with %s, deployed with %s", of(flags["metadata"]), of(deployed))
		}
	}
	// A sweeper looks for the first time after half its interval or more.
	const least = 30 * 24 * time.Hour
	var interval time.Duration
	for _, flag := range flags["storage"] {
		if text, ok := strings.CutPrefix(flag, "--sweep-interval="); ok {
			var err error
			if interval, err = time.ParseDuration(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if interval/2 < least {
		t.Errorf("storage sweeps %v after its start", interval/2)
	}
	for path, source := range source(t, "services/storage/sweeper", "sweeper.go") {
		if !strings.Contains(source, "timer := time.NewTimer(spread(s.interval))") || !strings.Contains(source, "return d/2 + rand.N(d)") {
			t.Errorf("%s: does the sweeper still wait for half its interval first?", path)
		}
	}
	if slices.Contains(flags["holdfast"], "--repair") || flags["holdfast"][0] != "fsck" {
		t.Errorf("it is checked by %v", flags["holdfast"])
	}
}

// TestBinariesCheckARestore runs README's commands with the real binaries, on a
// table and a bucket of a stand-in for AWS.
func TestBinariesCheckARestore(t *testing.T) {
	dir := os.Getenv("HOLDFAST_BIN")
	if dir == "" {
		t.Skip("HOLDFAST_BIN names no directory with the binaries of the services")
	}
	flags, env := checkOfARestore(t), stores(t, dir, installations["prod"].cfg.Region)
	for _, name := range []string{"metadata", "storage"} {
		start(t, filepath.Join(dir, name), flags[name], env).healthy(t, filepath.Join(dir, name), []string{"health"})
	}
	fsck := exec.CommandContext(t.Context(), filepath.Join(dir, "holdfast"), flags["holdfast"]...) //nolint:gosec // whoever runs the test says what to run
	fsck.Env = env
	out, err := fsck.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " 0 findings") {
		t.Errorf("fsck: %v\n%s", err, out)
	}
	takeAway(t, dir, env)
}

// takeAway starts the gateway as README does, and deletes by README's command what
// is there: a space stands for all that is deleted by its name.
func takeAway(t *testing.T, dir string, env []string) {
	t.Helper()
	gateways, deletions := commands(restoring(t), "gateway"), commands(restoring(t), "curl")
	if len(gateways) != 1 || len(deletions) != 1 {
		t.Fatalf("README takes away with %v by %v", gateways, deletions)
	}
	start(t, filepath.Join(dir, "gateway"), gateways[0], env).healthy(t, filepath.Join(dir, "gateway"), []string{"health"})
	method, url := deletions[0][1], deletions[0][2]
	client := http.Client{Timeout: patience}
	call := func(method, name, body string, want int) {
		r, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(url, "RESOURCE", name, 1), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s %s: %s", method, r.URL, answer.Status)
		}
	}
	call(http.MethodPost, "spaces?spaceId=team", "{}", http.StatusCreated)
	call(method, "spaces/team", "", http.StatusOK)
	call(method, "spaces/team", "", http.StatusNotFound)
}
