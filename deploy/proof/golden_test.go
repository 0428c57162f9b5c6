package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	assetHash    = regexp.MustCompile(`[0-9a-f]{64}`)
	dummy        = regexp.MustCompile(`pl-x+|vpc-1234|subnet-1234|dummy`)
	prefixListID = regexp.MustCompile(`pl-[0-9a-zA-Z]+`)
)

// TestGoldens compares every template with the one in testdata, so that a
// change of the infrastructure is read before it is made. Hashes of assets are
// left out: they change with their content.
func TestGoldens(t *testing.T) {
	for _, name := range []string{"dev", "prod"} {
		for stack, tmpl := range installations[name].stacks {
			t.Run(name+"/"+stack, func(t *testing.T) {
				var indented bytes.Buffer
				if err := json.Indent(&indented, tmpl.raw, "", " "); err != nil {
					t.Fatal(err)
				}
				got := assetHash.ReplaceAll(indented.Bytes(), []byte("asset"))
				path := filepath.Join("testdata", "golden", name, stack+".json")
				if *update {
					if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if line, now, before := differs(string(got), strings.TrimSuffix(string(want), "\n")); line > 0 {
					t.Errorf("%s:%d was\n\t%s\nis\n\t%s\nRun with -update and read the difference.", path, line, before, now)
				}
			})
		}
	}
}

// differs is the first line in which two texts differ, from 1; 0 if none.
func differs(a, b string) (line int, inA, inB string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		if i < len(x) {
			inA = x[i]
		}
		if i < len(y) {
			inB = y[i]
		}
		if i >= len(x) || i >= len(y) || inA != inB {
			return i + 1, inA, inB
		}
	}
	return 0, "", ""
}

// TestNoDummies refuses values that a lookup without credentials leaves behind.
func TestNoDummies(t *testing.T) {
	for name, in := range installations {
		known := []string{in.cfg.PrefixLists.CloudFront, in.cfg.PrefixLists.S3, in.cfg.PrefixLists.DynamoDB}
		for stack, tmpl := range in.stacks {
			if found := dummy.Find(tmpl.raw); found != nil {
				t.Errorf("%s/%s: %s", name, stack, found)
			}
			for _, r := range tmpl.Resources {
				walk(r.Properties, func(m map[string]any) {
					for _, key := range []string{"SourcePrefixListId", "DestinationPrefixListId"} {
						if id, ok := m[key].(string); ok && !slices.Contains(known, prefixListID.FindString(id)) {
							t.Errorf("%s/%s: %s is no prefix list of %s", name, stack, id, in.cfg.Region)
						}
					}
				})
			}
		}
		raw, err := os.ReadFile(filepath.Join(in.dir, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(`"missing"`)) {
			t.Errorf("%s: synthesis asked for a lookup", name)
		}
	}
}

// pinned are the logical ids of what holds data or names others know. A new id
// would replace the resource: the old one is orphaned or gone.
var pinned = map[string]string{
	"data/BlobsF0F01DC6":                                     "AWS::S3::Bucket",
	"data/Records091F6ECA":                                   "AWS::DynamoDB::GlobalTable",
	"data/BlobKeyF5A26995":                                   "AWS::KMS::Key",
	"data/RecordKey241CA664":                                 "AWS::KMS::Key",
	"network/VPCB9E5F0B4":                                    "AWS::EC2::VPC",
	"network/LogKeyE83D0C1B":                                 "AWS::KMS::Key",
	"network/FlowLog":                                        "AWS::Logs::LogGroup",
	"compute/GrantKey9003CDB3":                               "AWS::SecretsManager::Secret",
	"compute/MetadataLogC58EAF3B":                            "AWS::Logs::LogGroup",
	"compute/StorageLogB86E045B":                             "AWS::Logs::LogGroup",
	"compute/GatewayLog5E96AD98":                             "AWS::Logs::LogGroup",
	"edge/LogKeyE83D0C1B":                                    "AWS::KMS::Key",
	"data/BucketAccessLog":                                   "AWS::Logs::LogGroup",
	"compute/MetricsLog":                                     "AWS::Logs::LogGroup",
	"compute/PublicEntryPublicALBConnectionsLog4CAC00B6":     "AWS::Logs::LogGroup",
	"compute/InternalEntryInternalALBConnectionsLog485E591D": "AWS::Logs::LogGroup",
	"edge/Distribution830FAC52":                              "AWS::CloudFront::Distribution",
	"edge/RequestsLog":                                       "AWS::Logs::LogGroup",
	"edge/FirewallLog":                                       "AWS::Logs::LogGroup",
}

// inProdAlone are those that need a domain.
var inProdAlone = map[string]bool{"compute/InternalEntryInternalALBConnectionsLog485E591D": true}

func TestStatefulResourcesKeepTheirIDs(t *testing.T) {
	for _, name := range []string{"dev", "prod"} {
		in := installations[name]
		for id, kind := range pinned {
			stack, logical, _ := strings.Cut(id, "/")
			if name == "dev" && inProdAlone[id] {
				continue
			}
			if got := in.stacks[stack].Resources[logical].Type; got != kind {
				t.Errorf("%s: %s is %q, want %s", name, id, got, kind)
			}
		}
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::Logs::LogGroup"} {
			for id, r := range in.of(kind) {
				if r.DeletionPolicy != "Delete" && pinned[id] == "" {
					t.Errorf("%s: %s is kept when its stack goes, and not pinned", name, id)
				}
			}
		}
	}
}

// TestTerminationProtection: the stack with the data can't be deleted by
// mistake, nor the bucket and the table if it is.
func TestTerminationProtection(t *testing.T) {
	for name, protected := range map[string]bool{"prod": true, "dev": false} {
		in := installations[name]
		raw, err := os.ReadFile(filepath.Join(in.dir, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		var manifest map[string]any
		if err := json.Unmarshal(raw, &manifest); err != nil {
			t.Fatal(err)
		}
		got := at(manifest, "artifacts", "holdfast-"+name+"-data", "properties", "terminationProtection") == true
		if got != protected {
			t.Errorf("%s: the data stack is protected: %v", name, got)
		}
	}
}

// TestNothingIsExported keeps stacks replaceable: an export can't change while
// another stack imports it.
func TestNothingIsExported(t *testing.T) {
	for name, in := range installations {
		for stack, tmpl := range in.stacks {
			if bytes.Contains(tmpl.raw, []byte("Fn::ImportValue")) {
				t.Errorf("%s/%s imports a value", name, stack)
			}
			for output, v := range tmpl.Outputs {
				if v.(map[string]any)["Export"] != nil {
					t.Errorf("%s/%s exports %s", name, stack, output)
				}
			}
		}
	}
}

// TestGeneratedNames lets CloudFormation name everything that doesn't have to
// be found by name, so that it can be replaced and installed twice.
func TestGeneratedNames(t *testing.T) {
	named := map[string]string{
		"AWS::SSM::Parameter": "later stacks find it by name", "AWS::Logs::DeliverySource": "required", "AWS::Logs::DeliveryDestination": "required",
		"AWS::SecretsManager::Secret": "the edge finds it by name, in another region",
	}
	in := installations["prod"]
	for _, stack := range slices.Sorted(maps.Keys(in.stacks)) {
		for logical, r := range in.stacks[stack].Resources {
			for _, key := range nameKeys {
				value, ok := r.Properties[key].(string)
				if !ok || named[r.Type] != "" || mustBeNamed(r.Type) || strings.HasPrefix(value, "com.amazonaws.") {
					continue
				}
				t.Errorf("%s/%s (%s) is called %s %q", stack, logical, r.Type, key, value)
			}
		}
	}
}

// nameKeys are properties that name a resource.
var nameKeys = []string{
	"BucketName", "TableName", "FunctionName", "RoleName", "ClusterName", "ServiceName", "GroupName", "LogGroupName",
	"LoadBalancerName", "TopicName", "AlarmName", "Name",
}

// TestFailedCreationCanBeRepeated: what a deployment that failed, or a stack that
// was destroyed, leaves behind doesn't stand in the way of the next one by its
// name, and nothing that such a deployment takes back is protected from that.
func TestFailedCreationCanBeRepeated(t *testing.T) {
	for name, in := range installations {
		for stack, tmpl := range in.stacks {
			for logical, r := range tmpl.Resources {
				for _, key := range nameKeys {
					if r.Properties[key] == nil || !strings.HasPrefix(r.DeletionPolicy, "Retain") {
						continue
					}
					if r.DeletionPolicy == "Retain" {
						t.Errorf("%s: %s/%s, named by %s, stays when its stack can't be made", name, stack, logical, key)
					}
					if !strings.Contains(fmt.Sprint(r.Properties[key]), "AWS::StackId") {
						t.Errorf("%s: %s/%s stays when its stack goes, with the name %v", name, stack, logical, r.Properties[key])
					}
				}
				raw, err := json.Marshal(r.Properties)
				if err != nil {
					t.Fatal(err)
				}
				if protected.Match(raw) && r.DeletionPolicy != "Retain" {
					t.Errorf("%s: %s/%s must go when its stack can't be made, and is protected from that", name, stack, logical)
				}
			}
		}
	}
}

var protected = regexp.MustCompile(`"DeletionProtection(Enabled)?":true|\{"Key":"deletion_protection.enabled","Value":"true"\}`)

// mustBeNamed are kinds whose name is a DNS name or an address of a dashboard.
func mustBeNamed(kind string) bool {
	return slices.Contains([]string{
		"AWS::Route53::RecordSet", "AWS::Route53::HostedZone", "AWS::ServiceDiscovery::PrivateDnsNamespace", "AWS::ServiceDiscovery::Service",
	}, kind)
}
