package proof

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNag reads cdk-nag's reports: every rule is met, doesn't apply, or is
// suppressed on one resource with a reason of its own.
func TestNag(t *testing.T) {
	for name, in := range installations {
		t.Run(name, func(t *testing.T) {
			reports, err := filepath.Glob(filepath.Join(in.dir, "AwsSolutions-*-NagReport.csv"))
			if err != nil || len(reports) != len(in.stacks) {
				t.Fatalf("%d reports of %d stacks: %v", len(reports), len(in.stacks), err)
			}
			checked := 0
			for _, report := range reports {
				f, err := os.Open(report)
				if err != nil {
					t.Fatal(err)
				}
				rows, err := csv.NewReader(f).ReadAll()
				f.Close()
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range rows[1:] {
					checked++
					rule, resource, compliance, reason := row[0], row[1], row[2], row[3]
					switch {
					case compliance == "Non-Compliant", compliance == "UNKNOWN":
						t.Errorf("%s: %s %s: %s", resource, rule, compliance, row[5])
					case compliance == "Suppressed" && len(reason) < 30:
						t.Errorf("%s: %s is suppressed because %q", resource, rule, reason)
					}
				}
			}
			if checked < 60 {
				t.Errorf("only %d checks", checked)
			}
		})
	}
}

// TestSynthesisIsQuiet allows no warning that nobody acknowledged.
func TestSynthesisIsQuiet(t *testing.T) {
	allowed := map[string]string{
		"@aws-cdk/aws-cloudfront:": "dev has no certificate",
	}
	for name, in := range installations {
		files, err := filepath.Glob(filepath.Join(in.dir, "*.metadata.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var entries map[string][]struct {
				Type string `json:"type"`
				Data any    `json:"data"`
			}
			if err := json.Unmarshal(raw, &entries); err != nil {
				t.Fatal(err)
			}
			for path, list := range entries {
				for _, entry := range list {
					text, _ := entry.Data.(string)
					loud := entry.Type == "aws:cdk:warning" || entry.Type == "aws:cdk:error"
					for known := range allowed {
						loud = loud && !strings.Contains(text, known)
					}
					if loud {
						t.Errorf("%s %s: %s", name, path, text)
					}
				}
			}
		}
	}
}
