package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settings is a configuration that is valid, as a file has it.
func settings(stage Stage) map[string]any {
	registry := "111122223333.dkr.ecr.eu-central-1.amazonaws.com/holdfast/"
	return map[string]any{
		"stage": stage, "account": "111122223333", "region": "eu-central-1",
		"domain":   map[string]any{"name": "files.example.com", "zoneId": "Z0123456789ABCDEFGHIJ", "zoneName": "example.com"},
		"images":   map[string]any{"metadata": registry + "metadata:1", "storage": registry + "storage:1", "gateway": registry + "gateway:1", "collector": registry + "collector:1"},
		"identity": map[string]any{"issuer": "https://login.example.com", "audience": "holdfast", "jwksFile": "keys.json"},
	}
}

func load(t *testing.T, s map[string]any) (Config, error) {
	t.Helper()
	dir := t.TempDir()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"holdfast.json": string(raw), "keys.json": `{ "keys": [ {"kty": "EC"} ] }`, "private.json": `{"keys": [{"kty": "EC", "d": "x"}]}`, "none.json": `{"keys": []}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "holdfast.json"))
}

func TestLoad(t *testing.T) {
	for _, stage := range []Stage{Dev, Prod} {
		c, err := load(t, settings(stage))
		if err != nil {
			t.Fatal(err)
		}
		if c.Zones[1] != "eu-central-1b" || c.PrefixLists.CloudFront != "pl-a3a144ca" || c.Identity.JWKS != `{"keys":[{"kty":"EC"}]}` {
			t.Errorf("%s: not completed: %+v", stage, c)
		}
		if c.Data.Retain != (stage == Prod) || (c.Services.Storage.MinTasks > 1) != (stage == Prod) {
			t.Errorf("%s has the defaults of the other stage: %+v", stage, c)
		}
	}
}

// TestRefusals changes one setting at a time; the error must begin with its
// name.
func TestRefusals(t *testing.T) {
	tests := []struct {
		setting string // as the error names it
		value   any    // at the path before any colon
		want    string
	}{
		{"stage", "staging", "neither dev nor prod"},
		{"account", "12", "12-digit"},
		{"region", "Frankfurt", "not an AWS region"},
		{"zones", []string{"eu-central-1a"}, "needs two"},
		{"zones", []string{"eu-central-1a", "eu-west-1b"}, "is not in eu-central-1"},
		{"zones", []string{"eu-central-1a", "eu-central-1a"}, "there twice"},
		{"cidr", "10.0.0.0/8", "between /16 and /22"},
		{"cidr", "8.8.0.0/16", "not private"},
		{"domain", nil, "insecureDevelopmentWithoutDomain allows"},
		{"domain.name", "Files.example.com", "lower-case"},
		{"domain.name", "files.example.org", "not in the zone"},
		{"domain.zoneId", "example.com", "zone id"},
		{"images.storage", "docker.io/holdfast/storage:1", "reach no other registry"},
		{"images.storage", "111122223333.dkr.ecr.eu-central-1.amazonaws.com/holdfast/storage", "no tag or digest"},
		{"images.source", ".", "not both"},
		{"identity.issuer", "http://login.example.com", "not an https URL"},
		{"identity.audience", "", "missing"},
		{"identity.keys", "somewhere", "neither document nor issuer"},
		{"identity.jwksFile", "private.json", "not a public one"},
		{"identity.jwksFile", "none.json", "with a key"},
		{"identity.ranges", []string{"198.51.100.0/24"}, "only for keys from the issuer"},
		{"identity", fromIssuer("198.51.0.0/15"), "not an IPv4 block of /16 or narrower"},
		{"identity", fromIssuer("2001:db8::/32"), `ranges: "2001:db8::/32" is not an IPv4 block`},
		{"identity", fromIssuer("::ffff:198.51.100.0/120"), `100.0/120" is not an IPv4 block`},
		{"originSecretGeneration", 0, "counts from 1"},
		{"prefixLists.s3", "pl-xxxxxxxx", "is not a prefix list"},
		{"limits.maxUploadBytes", int64(1) << 40, "CloudFront's own end"},
		{"limits.maxJsonBytes", 1, "outside 1024"},
		{"limits.writesPerIp", 5, "what WAF counts"},
		{"services.gateway.cpu", 300, "no task of 300"},
		{"services.gateway.memoryMib", 1000, "Fargate sells"},
		{"services.gateway.minTasks", 1, "in prod"},
		{"services.spot", true, "not in prod"},
		{"services.uploadMemoryMib", 4096, "a quarter of what a storage task has"},
		{"services.graceSeconds", 7200, "outside 0 to 3600"},
		{"data.retain", false, "in prod"},
		{"data.recoveryDays", 36, "outside 1 to 35"},
		{"data.restoredTable", "arn:aws:dynamodb:eu-central-1:111122223333:table/records", "not the name of a table"},
		{"logDays", 8, "knows no retention"},
		{"traceShare", 5, "outside 0 to 1"},
		{"alarmEmail", "me", "not an address"},
		{"monthlyBudgetUsd", 5, "without alarmEmail"},
		{"breakGlassRoles", []string{"admin"}, "not the ARN"},
		{"allowedCountries", []string{"Germany"}, "two-letter"},
		{"corsOrigins", []string{"*"}, "not an origin"},
		{"corsOrigins", []string{"https://app.example.com/"}, "not an origin"},
		{"insecureDevelopmentWithoutDomain", true, "contradicts"},
	}
	for _, test := range tests {
		t.Run(test.setting+" "+test.want, func(t *testing.T) {
			s := settings(Prod)
			set(s, test.setting, test.value)
			_, err := load(t, s)
			if err == nil {
				t.Fatalf("%v is taken", test.value)
			}
			for _, line := range strings.Split(err.Error(), "\n") {
				if strings.HasPrefix(line, test.setting) && strings.Contains(line, test.want) {
					return
				}
			}
			t.Errorf("%q doesn't say %q of %s", err, test.want, test.setting)
		})
	}
}

// fromIssuer is an identity whose keys are fetched from a block of addresses.
func fromIssuer(block string) map[string]any {
	return map[string]any{"keys": KeysFromIssuer, "issuer": "https://login.example.com", "audience": "holdfast", "ranges": []string{block}}
}

func set(s map[string]any, path string, value any) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := s[key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			s[key] = inner
		}
		s = inner
	}
	s[keys[len(keys)-1]] = value
}

func TestUnknownSettingsAreRefused(t *testing.T) {
	s := settings(Prod)
	s["logdayz"] = 7
	if _, err := load(t, s); err == nil || !strings.Contains(err.Error(), "logdayz") {
		t.Errorf("a misspelt setting gives %v", err)
	}
}

// TestDevelopmentWithoutADomain works where the edge can learn the origin's
// name, and says where that is.
func TestDevelopmentWithoutADomain(t *testing.T) {
	s := settings(Dev)
	delete(s, "domain")
	s["insecureDevelopmentWithoutDomain"] = true
	if _, err := load(t, s); err == nil || !strings.Contains(err.Error(), "us-east-1 alone") {
		t.Errorf("in eu-central-1: %v", err)
	}
}

func TestPrefixLists(t *testing.T) {
	for region, lists := range managedPrefixLists {
		for _, id := range []string{lists.CloudFront, lists.S3, lists.DynamoDB} {
			if !regionForm.MatchString(region) || !prefixListForm.MatchString(id) {
				t.Errorf("%s: %q", region, id)
			}
		}
	}
}
