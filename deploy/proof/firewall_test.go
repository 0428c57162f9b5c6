package proof

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/firewall"
)

func acl(t *testing.T, name string) *firewall.ACL {
	t.Helper()
	for _, r := range installations[name].of("AWS::WAFv2::WebACL") {
		a, err := firewall.New(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	t.Fatal("no web ACL")
	return nil
}

const space = "/v1/spaces/default/"

// request is an ordinary one; with changes what differs.
func request(method, path, body string, length int64, with ...func(*firewall.Request)) firewall.Request {
	r := firewall.Request{Method: method, Path: path, Body: body, IP: "192.0.2.1", Headers: map[string]string{
		"user-agent": "curl/8.9", "authorization": "Bearer x",
	}}
	if path, query, ok := strings.Cut(path, "?"); ok {
		r.Path, r.Query = path, query
	}
	if length >= 0 {
		r.Headers["content-length"] = fmt.Sprint(length)
	}
	for _, change := range with {
		change(&r)
	}
	return r
}

func header(name, value string) func(*firewall.Request) {
	return func(r *firewall.Request) { r.Headers[name] = value }
}

const none = -1 // no Content-Length

const gib = 1 << 30

var (
	anything = strings.Repeat("' or 1=1; <script>../../${jndi:ldap://x} 169.254.169.254 =http:// rO0AB __proto__ ", 40)
	long     = strings.Repeat("x", 20<<10)
)

// call is a sample request, what becomes of it and by which rule.
type call struct {
	name    string
	request firewall.Request
	status  int
	rule    string
}

var calls = []call{
	{"JSON call", request("PATCH", space+"files/0190", `{"displayName":"a"}`, 19), 0, ""},
	{"list", request("GET", space+"files?pageSize=100", "", none), 0, ""},
	{"DELETE without a body or a length", request("DELETE", space+"files/0190", "", none), 0, ""},
	{"POST of nothing, HTTP/1.1", request("POST", space+"files/0190:undelete", "", 0), 0, ""},
	{"POST of nothing, HTTP/2", request("POST", space+"files/0190:undelete", "", none), 0, ""},
	{"download with a range", request("GET", space+"paths/film.mp4", "", none, header("range", "bytes=0-1")), 0, ""},
	{"2 GiB upload by path", request("PUT", space+"paths/disk.img", long, 2*gib), 0, ""},
	{"2 GiB upload by form", request("POST", space+"files", long, 2*gib), 0, ""},
	{"2 GiB of a resumable upload", request("PATCH", space+"uploads/0190", long, 2*gib), 0, ""},
	{"new revision", request("PUT", space+"files/0190/content", long, 2*gib), 0, ""},
	{"empty file", request("PUT", space+"paths/empty", "", 0), 0, ""},
	{"largest upload", request("PUT", space+"paths/disk.img", long, 50*gib), 0, ""},
	{"a byte more", request("PUT", space+"paths/disk.img", long, 50*gib+1), 413, "UploadTooLarge"},
	{"64 GB", request("PUT", space+"paths/disk.img", long, 64_000_000_000), 413, "UploadTooLarge"},
	{"ten times as much", request("PUT", space+"paths/disk.img", long, 500*gib), 413, "UploadTooLarge"},
	{"leading zeros", request("PUT", space+"paths/x", long, none, header("content-length", "00053687091201")), 413, "UploadTooLarge"},
	{"chunked upload", request("PUT", space+"paths/x", long, none, header("transfer-encoding", "chunked")), 411, "LengthRequired"},
	{"chunked upload of which nothing has come", request("PUT", space+"paths/x", "", none, header("transfer-encoding", "chunked")), 411, "LengthRequired"},
	{"HTTP/2 upload without a length", request("PUT", space+"paths/x", "ab", none), 411, "LengthRequired"},
	{"long HTTP/2 upload without a length", request("PATCH", space+"uploads/0190", long, none), 411, "LengthRequired"},
	{"JSON of 12 KiB", request("POST", space+"members", long[:12<<10], 12<<10), 0, ""},
	{"largest JSON", request("POST", space+"members", long[:16<<10], 16<<10), 0, ""},
	{"large JSON", request("POST", space+"members", long, 20<<10), 413, "JSONTooLarge"},
	{"large JSON that lies about its route", request("POST", space+"files/0190/content/x", long, 20<<10), 413, "JSONTooLarge"},
	{"a .log file by path", request("PUT", space+"paths/var/error.log", "x", 1), 0, ""},
	{"a .log file by query", request("GET", space+"files:lookup?path=/var/error.log", "", none), 0, ""},
	{"a .log file elsewhere", request("GET", "/var/error.log", "", none), 403, "PathAttackOffPathRoutes"},
	{"web-inf by path", request("PUT", space+"paths/WEB-INF/web.xml", "x", 1), 0, ""},
	{"web-inf elsewhere", request("GET", "/web-inf/web.xml", "", none), 403, "PathAttackOffPathRoutes"},
	{"a long path", request("GET", space+"paths/"+strings.Repeat("%C3%A4/", 300), "", none), 0, ""},
	{"a filter", request("GET", space+"files?filter=display_name%3D'a'+OR+'1'%3D'1'", "", none), 0, ""},
	{"any bytes as a file", request("PUT", space+"paths/attack.bin", anything, int64(len(anything))), 0, ""},
	{"any bytes as a part", request("PATCH", space+"uploads/0190", anything, int64(len(anything))), 0, ""},
	{"injection in JSON", request("POST", space+"members", `{"role":"x' OR '1'='1"}`, 23), 403, "BodyAttackOffByteRoutes"},
	{"script in JSON", request("POST", space+"shares", `{"x":"<script>"}`, 16), 403, "BodyAttackOffByteRoutes"},
	{"log4j in JSON", request("POST", space+"keys", `${jndi:ldap://x}`, 16), 403, "BodyAttackOffByteRoutes"},
	{"injection in a query", request("GET", space+"members?x=1'+OR+'1'%3D'1'", "", none), 403, "QueryAttackOffQueryRoutes"},
	{"log4j in a header", request("GET", space+"files", "", none, header("user-agent", "${jndi:ldap://x}")), 403, "AWSManagedRulesKnownBadInputsRuleSet/Log4JRCE_HEADER"},
	{"log4j in a query, also where files are", request("GET", space+"files?path=${jndi:x}", "", none), 403, "AWSManagedRulesKnownBadInputsRuleSet/Log4JRCE_QUERYSTRING"},
	{"injection in a cookie", request("GET", space+"files", "", none, header("cookie", "x=' or 1=1")), 403, "AWSManagedRulesSQLiRuleSet/SQLi_COOKIE"},
	{"metadata address in a query, also on a byte route", request("GET", space+"files?x=169.254.169.254", "", none), 403, "AWSManagedRulesCommonRuleSet/EC2MetaDataSSRF_QUERYARGUMENTS"},
	{"no user agent", request("GET", space+"files", "", none, header("user-agent", "")), 403, "AWSManagedRulesCommonRuleSet/NoUserAgent_HEADER"},
}

// attacks are what managed rules look for, in a body, a path or a query. Each
// is stopped where no file is, and let through where it may be one, or its
// name.
var attacks = map[string]struct {
	elsewhere, among func(attack string) firewall.Request
	rule             string
	words            []string
}{
	"body": {
		func(attack string) firewall.Request {
			return request("POST", space+"members", attack, int64(len(attack)))
		},
		func(attack string) firewall.Request {
			return request("PUT", space+"paths/x", attack, int64(len(attack)))
		},
		"BodyAttackOffByteRoutes",
		[]string{"<script>", "../", "x=http://y", "169.254.169.254", "${jndi:ldap://x}", "rO0AB", "__proto__", "' or 1=1", "; drop table x"},
	},
	"path": {
		func(attack string) firewall.Request { return request("GET", "/"+attack, "", none) },
		func(attack string) firewall.Request { return request("GET", space+"paths/"+attack, "", none) },
		"PathAttackOffPathRoutes",
		[]string{"%3Cscript%3E", "..%2F", "x=http://y", "x.log", "web-inf/web.xml", strings.Repeat("x", 1100)},
	},
	"query": {
		func(attack string) firewall.Request { return request("GET", space+"members?x="+attack, "", none) },
		func(attack string) firewall.Request { return request("GET", space+"files?path="+attack, "", none) },
		"QueryAttackOffQueryRoutes",
		[]string{"%3Cscript%3E", "..%2F", "http://y", "x.log", "'+or+1%3D1", ";+drop+table+x", strings.Repeat("x", 2100)},
	},
}

// init adds the attacks to the calls.
func init() {
	for part, a := range attacks {
		for _, word := range a.words {
			name := fmt.Sprintf("%.20s in a %s", word, part)
			calls = append(calls, call{name, a.elsewhere(word), 403, a.rule}, call{name + " that may be a file's", a.among(word), 0, ""})
		}
	}
}

// TestFirewall sends sample requests through the rules.
func TestFirewall(t *testing.T) {
	for _, test := range calls {
		t.Run(test.name, func(t *testing.T) {
			got := acl(t, "prod").Decide(test.request)
			if got.Status != test.status || got.Rule != test.rule {
				t.Errorf("%d by %q, want %d by %q", got.Status, got.Rule, test.status, test.rule)
			}
			if strings.Contains(test.rule, "/") || test.status == 0 {
				return
			}
			var answer struct {
				Error struct{ Code int } `json:"error"`
			}
			if err := json.Unmarshal([]byte(got.Body), &answer); err != nil || answer.Error.Code != test.status {
				t.Errorf("body %q is not an error with code %d", got.Body, test.status)
			}
		})
	}
}

// floods are requests, the limit on how many one address may send, and the rule
// that stops the next.
func floods(limits config.Limits) []struct {
	name    string
	request firewall.Request
	limit   int64
	rule    string
} {
	anonymous := func(r *firewall.Request) { delete(r.Headers, "authorization") }
	return []struct {
		name    string
		request firewall.Request
		limit   int64
		rule    string
	}{
		{"reads", request("GET", space+"files", "", none), limits.RequestsPerIP, "RateOfAll"},
		{"writes", request("PUT", space+"paths/x", "x", 1), limits.WritesPerIP, "RateOfWrites"},
		{"preflights", request("OPTIONS", space+"files", "", none, anonymous, header("origin", "https://app.example.com")), limits.RequestsPerIP, "RateOfAll"},
		{"anonymous", request("GET", "/s/token", "", none, anonymous), limits.AnonymousPerIP, "RateOfAnonymous"},
	}
}

// TestFirewallStopsFloods counts how many requests of each kind one address
// gets through, and that another address is not held to it.
func TestFirewallStopsFloods(t *testing.T) {
	for _, test := range floods(installations["prod"].cfg.Limits) {
		t.Run(test.name, func(t *testing.T) {
			a := acl(t, "prod")
			for i := range test.limit {
				if got := a.Decide(test.request); got.Status != 0 {
					t.Fatalf("request %d: %d by %s", i+1, got.Status, got.Rule)
				}
			}
			if got := a.Decide(test.request); got.Status != 429 || got.Rule != test.rule {
				t.Errorf("after %d requests: %d by %q, want 429 by %q", test.limit, got.Status, got.Rule, test.rule)
			}
			test.request.IP = "192.0.2.2"
			if got := a.Decide(test.request); got.Status != 0 {
				t.Errorf("another address: %d by %s", got.Status, got.Rule)
			}
		})
	}
}

// TestRelaxedRulesAreTakenUpAgain checks that every managed rule that only
// counts is one the samples know, and that its label is blocked by a rule of
// ours: a label that is misspelt matches nothing and complains to nobody.
func TestRelaxedRulesAreTakenUpAgain(t *testing.T) {
	for _, r := range installations["prod"].of("AWS::WAFv2::WebACL") {
		raw, err := json.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		counted, labels := 0, 0
		walk(r.Properties, func(m map[string]any) {
			if name, ok := m["Name"].(string); ok && m["ActionToUse"] != nil {
				counted++
				if !firewall.Known(name) {
					t.Errorf("no sample for %s", name)
				}
			}
			if key, ok := m["Key"].(string); ok && m["Scope"] == "LABEL" {
				labels++
				if !firewall.Known(key) {
					t.Errorf("no sample leaves the label %s", key)
				}
			}
			if none, ok := m["OverrideAction"].(map[string]any); ok && none["None"] == nil {
				t.Errorf("%v doesn't block", m["Name"])
			}
		})
		// SizeRestrictions_BODY is replaced by JSONTooLarge, which looks at the
		// request itself.
		if counted == 0 || counted != labels+1 {
			t.Errorf("%d rules count, %d labels are taken up", counted, labels)
		}
		if strings.Contains(string(raw), `"SampledRequestsEnabled":true`) {
			t.Error("samples of requests are kept")
		}
	}
}

// TestREADMEListsTheRules keeps the table in README.md complete.
func TestREADMEListsTheRules(t *testing.T) {
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range acl(t, "prod").Names() {
		if !strings.Contains(string(raw), "| `"+name+"` |") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
}

// lasting are changes of the firewall that no request can tell, and why.
var lasting = map[string]string{
	"AWSManagedRulesAmazonIpReputationList: removed":     unknownAddresses,
	"AWSManagedRulesAmazonIpReputationList: counts only": unknownAddresses,
}

const (
	unknownAddresses = "which addresses are malicious, AWS alone knows"
	// anyOrder is why a rule may be asked at another time: but for those that
	// take relaxed rules up again, each stops requests that no other stops.
	anyOrder = "no other rule stops the same"
)

// ordered are the rules that must be asked after the managed groups, whose
// labels they read. Asked first they stop nothing.
var ordered = []string{"BodyAttackOffByteRoutes", "PathAttackOffPathRoutes", "QueryAttackOffQueryRoutes"}

// lastingReason is why nothing tells the mutant; empty when something must.
func lastingReason(mutant string) string {
	rule, what, _ := strings.Cut(mutant, ": ")
	if what == "asked last" || what == "asked first" && !slices.Contains(ordered, rule) {
		return anyOrder
	}
	return lasting[mutant]
}

// TestFirewallMutants changes each rule of the firewall and expects some sample
// to be decided otherwise.
func TestFirewallMutants(t *testing.T) {
	properties := installations["prod"].one(t, "AWS::WAFv2::WebACL").Properties
	// Floods of a thousandth show the same and take less.
	for _, rule := range properties["Rules"].([]any) {
		if rate, ok := at(rule, "Statement", "RateBasedStatement").(map[string]any); ok {
			limit := rate["Limit"].(float64)
			defer func() { rate["Limit"] = limit }()
			rate["Limit"] = limit / 1000
		}
	}
	want := verdicts(t, properties)
	lasted := map[string]bool{}
	mutants := firewall.Mutants(properties)
	for _, m := range mutants {
		if slices.Equal(verdicts(t, m.Properties), want) {
			if lasted[m.Name] = true; lastingReason(m.Name) == "" {
				t.Errorf("survives: %s", m.Name)
			}
		}
	}
	for name, why := range lasting {
		if !lasted[name] {
			t.Errorf("no longer survives: %s (%s)", name, why)
		}
	}
	t.Logf("%d mutants, %d survive, each explained", len(mutants), len(lasted))
}

// verdicts are what becomes of every call, and of floods.
func verdicts(t *testing.T, properties map[string]any) []firewall.Verdict {
	t.Helper()
	a, err := firewall.New(properties)
	if err != nil {
		t.Fatal(err)
	}
	var all []firewall.Verdict
	for i, test := range calls {
		test.request.IP = fmt.Sprint("192.0.2.", i)
		all = append(all, a.Decide(test.request))
	}
	for _, flood := range floods(installations["prod"].cfg.Limits) {
		flood.request.IP = flood.name
		for range flood.limit/1000 + 1 {
			all = append(all, a.Decide(flood.request))
		}
	}
	return all
}

// walk calls f for every object in v.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, item := range v {
			walk(item, f)
		}
	case []any:
		for _, item := range v {
			walk(item, f)
		}
	}
}
