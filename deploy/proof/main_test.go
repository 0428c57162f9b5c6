// Package proof shows, from the synthesised templates alone and without an
// account, that an installation is what the README says it is. Each variant is
// synthesised once; everything else reads the templates.
package proof

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/reach"
	"github.com/holdfast-files/holdfast/deploy/topology"
)

var update = flag.Bool("update", false, "write goldens, tables and the README's generated parts instead of comparing them")

// variant is one configuration that is synthesised.
type variant struct {
	stage  string // whose example it starts from
	change func(settings map[string]any)
}

var variants = map[string]variant{
	"prod": {stage: "prod"},
	"dev": {stage: "dev", change: func(s map[string]any) {
		images := map[string]any{}
		for _, name := range []string{"metadata", "storage", "gateway", "collector"} {
			images[name] = "111122223333.dkr.ecr.us-east-1.amazonaws.com/holdfast/" + name + ":1.0.0"
		}
		s["images"] = images
	}},
	// Keys fetched from the issuer instead of taken from a document.
	"issuer": {stage: "prod", change: func(s map[string]any) {
		id := s["identity"].(map[string]any)
		delete(id, "jwksFile")
		id["keys"], id["ranges"] = "issuer", []string{"198.51.100.0/24"}
	}},
	// After one rotation of the origin's secret.
	"rotated": {stage: "prod", change: func(s map[string]any) { s["originSecretGeneration"] = 2 }},
	// On a table that point-in-time recovery made.
	"restored": {stage: "prod", change: func(s map[string]any) { s["data"] = map[string]any{"restoredTable": restoredTable} }},
	// For users where Route 53 asks from, and where it asks from too little.
	"american": {stage: "prod", change: func(s map[string]any) { s["allowedCountries"] = []string{"US", "CA"} }},
	"german":   {stage: "prod", change: func(s map[string]any) { s["allowedCountries"] = []string{"DE", "IE"} }},
	// With an administrator by group instead of by the first key, and callers from
	// the pages of another site.
	"settled": {stage: "prod", change: func(s map[string]any) {
		id := s["identity"].(map[string]any)
		id["bootstrap"], id["groupsClaim"], id["adminGroup"] = false, "cognito:groups", "files-admins"
		s["corsOrigins"] = []string{"https://app.example.com", "http://localhost:5173"}
	}},
	// Images built by `cdk deploy`.
	"built": {stage: "prod", change: func(s map[string]any) { s["images"] = map[string]any{"source": "source"} }},
}

var installations = map[string]installation{}

// installation is a variant, synthesised.
type installation struct {
	cfg    config.Config
	dir    string
	stacks map[string]template // by short name: network, data, …
}

type template struct {
	Resources  map[string]resource       `json:"Resources"`
	Outputs    map[string]any            `json:"Outputs"`
	Parameters map[string]map[string]any `json:"Parameters"`
	raw        []byte
}

type resource struct {
	Type           string         `json:"Type"`
	Properties     map[string]any `json:"Properties"`
	DeletionPolicy string         `json:"DeletionPolicy"`
	DependsOn      names          `json:"DependsOn"`
}

// names are one or several logical ids.
type names []string

// UnmarshalJSON implements json.Unmarshaler: one may stand without a list.
func (n *names) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*n = names{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(n))
}

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "holdfast-deploy-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := fakeSource(filepath.Join(dir, "source")); err != nil {
		return 1, err
	}
	for _, name := range slices.Sorted(maps.Keys(variants)) {
		if installations[name], err = synthesise(dir, name, variants[name]); err != nil {
			return 1, fmt.Errorf("synthesise %s: %w", name, err)
		}
	}
	jsii.Close()
	return m.Run(), nil
}

// fakeSource is as much of a source directory as synthesis looks at.
func fakeSource(dir string) error {
	collector := filepath.Join(dir, "deploy", "compute", "collector")
	if err := os.MkdirAll(collector, 0o755); err != nil {
		return err
	}
	for _, at := range []string{dir, collector} {
		if err := os.WriteFile(filepath.Join(at, "Dockerfile"), []byte("FROM scratch\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func synthesise(dir, name string, v variant) (done installation, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	raw, err := os.ReadFile(filepath.Join("..", "stages", v.stage+".example.json"))
	if err != nil {
		return done, err
	}
	var settings map[string]any
	if err := json.Unmarshal(raw, &settings); err != nil {
		return done, err
	}
	keys, err := filepath.Abs(filepath.Join("..", "stages", "jwks.example.json"))
	if err != nil {
		return done, err
	}
	settings["identity"].(map[string]any)["jwksFile"] = keys
	if v.change != nil {
		v.change(settings)
	}
	if raw, err = json.Marshal(settings); err != nil {
		return done, err
	}
	file := filepath.Join(dir, name+".json")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		return done, err
	}
	if done.cfg, err = config.Load(file); err != nil {
		return done, err
	}
	done.dir = filepath.Join(dir, name)
	app := topology.NewApp(done.dir)
	topology.Guard(app, topology.Build(app, done.cfg), done.cfg)
	app.Synth(nil)
	return done, done.read()
}

func (in *installation) read() error {
	in.stacks = map[string]template{}
	files, err := filepath.Glob(filepath.Join(in.dir, "*.template.json"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		t := template{raw: raw}
		if err := json.Unmarshal(raw, &t); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".template.json")
		in.stacks[name[strings.LastIndex(name, "-")+1:]] = t
	}
	return nil
}

// world is the installation as the prover sees it.
func (in installation) world(t *testing.T) reach.World {
	t.Helper()
	lists := in.cfg.PrefixLists
	w, err := reach.Load(in.dir, map[string]string{lists.CloudFront: "cloudfront", lists.S3: "s3", lists.DynamoDB: "dynamodb"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// of is every resource of the type in the installation, by stack and logical
// id.
func (in installation) of(kind string) map[string]resource {
	all := map[string]resource{}
	for name, t := range in.stacks {
		for logical, r := range t.Resources {
			if r.Type == kind {
				all[name+"/"+logical] = r
			}
		}
	}
	return all
}
