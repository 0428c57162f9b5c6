package proof

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// actionsOf are the permissions that a call of an SDK's client takes, and those
// that a part of a transaction does: the transaction itself takes none.
var actionsOf = map[string]map[string]string{
	"dynamodb": {
		"GetItem": "GetItem", "Query": "Query", "Scan": "Scan", "PutItem": "PutItem", "DeleteItem": "DeleteItem",
		"TransactWriteItems": "", "types.Put": "PutItem", "types.Delete": "DeleteItem", "types.Update": "UpdateItem",
		"types.ConditionCheck": "ConditionCheckItem",
	},
	"s3": {
		"PutObject": "PutObject", "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject",
		"AbortMultipartUpload": "AbortMultipartUpload", "GetObject": "GetObject", "HeadObject": "GetObject", "DeleteObject": "DeleteObject",
		"ListObjectsV2": "ListBucket", "ListMultipartUploads": "ListBucketMultipartUploads",
	},
}

// adapters are the packages that call AWS, the role whose tasks run them, and
// the file of the calls that only `holdfast bootstrap` makes, outside of AWS.
var adapters = []struct{ service, dir, role, bootstrap string }{
	{"dynamodb", "services/metadata/table/dynamotable", "MetadataTaskRole", "ensure.go"},
	{"s3", "services/storage/blob/s3blob", "StorageTaskRole", "ensure.go"},
}

// TestRolesAreWhatTheAdaptersCall: each role may do what its adapter asks of
// its store, and nothing that it doesn't.
func TestRolesAreWhatTheAdaptersCall(t *testing.T) {
	for _, a := range adapters {
		wanted := map[string]bool{}
		for path, text := range source(t, a.dir, ".go") {
			if strings.HasSuffix(path, "/"+a.bootstrap) {
				continue
			}
			for _, call := range sdkCalls(t, path, text, a.service) {
				action, known := actionsOf[a.service][call]
				if !known {
					t.Errorf("%s calls %s: which permission is that?", path, call)
				}
				if action != "" {
					wanted[a.service+":"+action] = true
				}
			}
		}
		want := slices.Sorted(maps.Keys(wanted))
		for name, in := range installations {
			if got := in.granted(a.role, a.service); !slices.Equal(got, want) {
				t.Errorf("%s: %s may\n%v\nits adapter calls\n%v", name, a.role, got, want)
			}
		}
	}
	// Keys are used by the stores on a role's behalf, secrets by the agent that
	// starts a task: the services have no SDK for either.
	for path, text := range source(t, "services", ".go") {
		for _, sdk := range []string{"service/kms", "service/secretsmanager", "service/ssm"} {
			if strings.Contains(text, "aws-sdk-go-v2/"+sdk) {
				t.Errorf("%s uses %s", path, sdk)
			}
		}
	}
}

// TestOnlyBootstrapMakesStores: what no role may, no service calls.
func TestOnlyBootstrapMakesStores(t *testing.T) {
	for _, dir := range []string{"services", "gateway", "internal"} {
		for path, text := range source(t, dir, ".go") {
			if strings.Contains(text, "dynamotable.Ensure(") || strings.Contains(text, "s3blob.Ensure(") {
				t.Errorf("%s makes a store", path)
			}
		}
	}
}

// sdkCalls lists the calls of a file to the client of an SDK, pages of them
// included, and the parts it makes for transactions.
func sdkCalls(t *testing.T, path, text, sdk string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			if of, ok := f.X.(*ast.SelectorExpr); ok && of.Sel.Name == "client" && f.Sel.Name != "Options" {
				calls = append(calls, f.Sel.Name)
			}
			pages, paged := strings.CutSuffix(strings.TrimPrefix(f.Sel.Name, "New"), "Paginator")
			if of, ok := f.X.(*ast.Ident); ok && of.Name == sdk && paged {
				calls = append(calls, pages)
			}
		case *ast.CompositeLit:
			if made, ok := n.Type.(*ast.SelectorExpr); ok {
				if of, ok := made.X.(*ast.Ident); ok && of.Name == "types" {
					if part := "types." + made.Sel.Name; actionsOf[sdk][part] != "" {
						calls = append(calls, part)
					}
				}
			}
		}
		return true
	})
	return calls
}

// granted lists what a role may ask of a service of AWS.
func (in installation) granted(role, service string) []string {
	all := map[string]bool{}
	for id, r := range in.of("AWS::IAM::Role") {
		if !strings.Contains(id, role) {
			continue
		}
		walk(r.Properties["Policies"], func(m map[string]any) {
			actions, _ := m["Action"].([]any)
			if one, ok := m["Action"].(string); ok {
				actions = []any{one}
			}
			for _, action := range actions {
				if strings.HasPrefix(action.(string), service+":") {
					all[action.(string)] = true
				}
			}
		})
	}
	return slices.Sorted(maps.Keys(all))
}
