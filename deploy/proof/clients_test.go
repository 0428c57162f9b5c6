package proof

import (
	"regexp"
	"strconv"
	"testing"
	"time"
)

// setting is the default of a field with the name in the settings of a program.
func setting(t *testing.T, dir, field string) float64 {
	t.Helper()
	form := regexp.MustCompile(`(?m)^\t` + field + `\s.*default:"([0-9.]+)"`)
	for _, text := range source(t, dir, ".go") {
		if m := form.FindStringSubmatch(text); m != nil {
			n, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in %s", field, dir)
	return 0
}

// span is a constant that is a time.
func span(t *testing.T, dir, name string) time.Duration {
	t.Helper()
	form := regexp.MustCompile(`(?m)^\t` + name + `\s+= (?:(\d+) \* )?time\.(Second|Minute)$`)
	for _, text := range source(t, dir, ".go") {
		if m := form.FindStringSubmatch(text); m != nil {
			n, unit := 1, map[string]time.Duration{"Second": time.Second, "Minute": time.Minute}[m[2]]
			if m[1] != "" {
				var err error
				if n, err = strconv.Atoi(m[1]); err != nil {
					t.Fatal(err)
				}
			}
			return time.Duration(n) * unit
		}
	}
	t.Fatalf("no %s in %s", name, dir)
	return 0
}

// TestClientsOutlastTheFirewall: whoever keeps to what the gateway lets through
// from one address, as the command line does with a large tree, never meets the
// firewall's rates; and whoever does is told to wait for no longer than the
// command line waits, which is still there when the firewall has forgotten.
func TestClientsOutlastTheFirewall(t *testing.T) {
	const client = "cmd/holdfast/internal/api"
	most, jitter := span(t, client, "maxRetryAfter"), span(t, client, "maxWait")
	retries := setting(t, "cmd/holdfast/internal/command", "Retries")
	rate, burst := setting(t, "gateway/rest", "AddressRate"), setting(t, "gateway/rest", "AddressBurst")
	for name, in := range installations {
		asked := 0
		for _, r := range in.one(t, "AWS::WAFv2::WebACL").Properties["Rules"].([]any) {
			limited := at(r, "Statement", "RateBasedStatement")
			if limited == nil {
				continue
			}
			asked++
			rule, window := at(r, "Name").(string), at(limited, "EvaluationWindowSec").(float64)
			if least, limit := window*rate+burst, at(limited, "Limit").(float64); limit < least && rule != "RateOfAnonymous" {
				t.Errorf("%s %s: %v in %v s, of which the gateway takes %v", name, rule, limit, window, least)
			}
			header := at(r, "Action", "Block", "CustomResponse", "ResponseHeaders", 0)
			seconds, err := strconv.Atoi(at(header, "Value").(string))
			if err != nil || at(header, "Name") != "Retry-After" {
				t.Fatalf("%s %s answers with %v: %v", name, rule, header, err)
			}
			if wait := time.Duration(seconds) * time.Second; wait+jitter > most {
				t.Errorf("%s %s: Retry-After is %v; with %v of its own the command line waits for %v at most", name, rule, wait, jitter, most)
			}
			if lasts := retries * float64(seconds); lasts < window {
				t.Errorf("%s %s: the command line gives up after %v s, the firewall looks %v s back", name, rule, lasts, window)
			}
		}
		if asked != 3 {
			t.Errorf("%s: %d rates", name, asked)
		}
	}
}
