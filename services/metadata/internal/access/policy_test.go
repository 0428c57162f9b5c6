package access

import (
	"regexp"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// contracts are the packages whose services metadata serves, by whether storage
// alone may call them.
var contracts = map[protoreflect.FullName]bool{
	metadatav1.File_holdfast_metadata_v1_space_proto.Package(): false,
	ledgerv1.File_holdfast_ledger_v1_ledger_proto.Package():    true,
}

// servedByStorage are services of those files that are not metadata's.
var servedByStorage = map[protoreflect.FullName]bool{"holdfast.ledger.v1.InspectionService": true}

// readingName is how methods are called that only read, but for those to which a
// link is the credential.
var readingName = regexp.MustCompile("^(Get|List|Lookup|Sign|Audit).*$|^Locate$")

func TestEveryMethodHasARow(t *testing.T) {
	rows := map[string]bool{}
	for contract, internal := range contracts {
		protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
			for i := range file.Services().Len() {
				checkRows(t, file.Services().Get(i), internal, rows)
			}
			return true
		})
	}
	if len(rows) < 30 {
		t.Errorf("only %d methods were found", len(rows))
	}
	for full := range policy {
		if !rows[full] {
			t.Errorf("the policy has a row for %s, which is no method", full)
		}
	}
}

func checkRows(t *testing.T, service protoreflect.ServiceDescriptor, internal bool, rows map[string]bool) {
	if servedByStorage[service.FullName()] {
		return
	}
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		full := "/" + string(service.FullName()) + "/" + string(method.Name())
		rows[full] = true
		r, ok := policy[full]
		if !ok {
			t.Errorf("%s has no row in the policy", full)
			continue
		}
		if r.storage != internal {
			t.Errorf("%s: storage alone = %v, want %v", full, r.storage, internal)
		}
		if want := readingName.MatchString(string(method.Name())); r.reads != want {
			t.Errorf("%s: only reads = %v, want %v", full, r.reads, want)
		}
		if method.IsStreamingClient() || method.IsStreamingServer() {
			t.Errorf("%s is a stream, which no dispatcher sees", full)
		}
	}
}
