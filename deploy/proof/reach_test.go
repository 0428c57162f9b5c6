package proof

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/reach"
)

// TestReach compares who reaches what with the tables in testdata/reach. A line
// that is new is a path that was opened; it is named.
func TestReach(t *testing.T) {
	for _, name := range []string{"dev", "prod", "issuer"} {
		t.Run(name, func(t *testing.T) {
			w := installations[name].world(t)
			table(t, "reach/"+name+".txt", w.Facts())
			table(t, "reach/"+name+".policies.txt", w.Policies())
		})
	}
}

// TestIssuerOpensOnePath shows what fetching the issuer's keys costs: one
// connection, of metadata alone, and the route for it.
func TestIssuerOpensOnePath(t *testing.T) {
	_, extra := reach.Diff(installations["prod"].world(t).Facts(), installations["issuer"].world(t).Facts())
	want := []string{
		"connect metadata -> 198.51.100.0/24 :443",
		"route Isolated/eu-central-1a: 198.51.100.0/24 via nat",
		"route Isolated/eu-central-1b: 198.51.100.0/24 via nat",
	}
	if !slices.Equal(extra, want) {
		t.Errorf("opened:\n%s\nwant:\n%s", strings.Join(extra, "\n"), strings.Join(want, "\n"))
	}
}

// survivors are mutants that change nothing that matters, and why: by name, or
// by the beginning of it.
var survivors = map[string]string{
	"network/VPCPublicSubnet1RouteTable: a way to the internet": sameRoute,
	"network/VPCPublicSubnet2RouteTable: a way to the internet": sameRoute,

	"network/VPCPublicSubnet1RouteTableAssociation: redirected to VPCPublicSubnet2RouteTable":     sameTable,
	"network/VPCPublicSubnet2RouteTableAssociation: redirected to VPCPublicSubnet1RouteTable":     sameTable,
	"network/VPCIsolatedSubnet1RouteTableAssociation: redirected to VPCIsolatedSubnet2RouteTable": sameTable,
	"network/VPCIsolatedSubnet2RouteTableAssociation: redirected to VPCIsolatedSubnet1RouteTable": sameTable,

	"compute/Handoffcluster: redirected":     metricsOnly,
	"compute/Handoffservice":                 metricsOnly,
	"compute/Handoffpublicalb: redirected":   metricsOnly,
	"compute/Handoffinternalalb: redirected": metricsOnly,
	"compute/Handoffinternaltargets":         metricsOnly,
	"network/Handofflogkey: redirected":      "under another key, or none that exists, logs are not written; nobody reads more",
}

const (
	sameRoute   = "a public subnet already has that route"
	sameTable   = "tables of one kind of subnet hold the same routes"
	metricsOnly = "a name by which dashboard and alarms find metrics, and nothing else reads it"
)

// survivor is the entry that explains why a mutant survives.
func survivor(mutant string) string {
	for name := range survivors {
		if strings.HasPrefix(mutant, name) {
			return name
		}
	}
	return ""
}

// TestNamedPaths opens two paths that must never be there and reads what the
// prover calls them.
func TestNamedPaths(t *testing.T) {
	w := installations["prod"].world(t)
	named := map[string]string{
		"network/pla3a144caToPublicALB443In: widened to the world":      "connect internet -> public-alb :443",
		"network/MetadataTopl66a5400f443Out: widened to the world":      "connect metadata -> stranger in the VPC :443",
		"compute/MetadataTaskRole: Policies 0 redirected to data/Blobs": "dynamodb:UpdateItem on arn:aws:s3:::data/Blobs",
		"compute/StorageTaskRole: Policies 0 widened to all actions":    "may compute/StorageTaskRole: allow * on arn:aws:s3:::data/Blobs/*",
		"data/BlobsPolicy: PolicyDocument 2 removed":                    "data administrator outside the VPC may s3:GetObject",
	}
	for _, m := range w.Mutants() {
		want, ok := named[m.Name]
		if !ok {
			continue
		}
		delete(named, m.Name)
		_, paths := reach.Diff(w.Facts(), m.World.Facts())
		_, grants := reach.Diff(w.Policies(), m.World.Policies())
		opened := slices.Concat(paths, grants)
		if !slices.ContainsFunc(opened, func(fact string) bool { return strings.Contains(fact, want) }) {
			t.Errorf("%s opened %q, not %q", m.Name, opened, want)
		}
	}
	for name := range named {
		t.Errorf("no mutant %s", name)
	}
}

// TestMutants changes each rule, route, statement, listener and placement and
// expects the tables to notice.
func TestMutants(t *testing.T) {
	explained := map[string]bool{}
	for _, name := range []string{"prod", "dev", "issuer"} {
		t.Run(name, func(t *testing.T) {
			w := installations[name].world(t)
			facts, policies := w.Facts(), w.Policies()
			tried, survived := 0, 0
			for _, m := range w.Mutants() {
				// What the issuer mode has in common with prod is tried there.
				if name == "issuer" && !strings.Contains(m.Name, "Issuer") && !strings.Contains(m.Name, "198x51x100x0") {
					continue
				}
				tried++
				if !slices.Equal(m.World.Facts(), facts) || !slices.Equal(m.World.Policies(), policies) {
					continue
				}
				survived++
				why := survivor(m.Name)
				if explained[why] = true; why == "" {
					t.Errorf("survives: %s", m.Name)
				}
			}
			if least := map[string]int{"prod": 1000, "dev": 1000, "issuer": 25}[name]; tried < least {
				t.Errorf("only %d mutants", tried)
			}
			t.Logf("%d mutants, %d survive, each explained", tried, survived)
		})
	}
	for mutant, why := range survivors {
		if !explained[mutant] {
			t.Errorf("no longer survives: %s (%s)", mutant, why)
		}
	}
}
