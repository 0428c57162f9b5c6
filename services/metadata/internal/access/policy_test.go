package access

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
)

// contracts are the files whose services metadata serves, by whether storage
// alone may call them.
var contracts = map[protoreflect.FileDescriptor]bool{
	metadatav1.File_holdfast_metadata_v1_space_proto:  false,
	metadatav1.File_holdfast_metadata_v1_file_proto:   false,
	metadatav1.File_holdfast_metadata_v1_member_proto: false,
	metadatav1.File_holdfast_metadata_v1_key_proto:    false,
	ledgerv1.File_holdfast_ledger_v1_ledger_proto:     true,
}

// servedByStorage are services of those files that are not metadata's.
var servedByStorage = map[protoreflect.FullName]bool{"holdfast.ledger.v1.InspectionService": true}

func TestEveryMethodHasARow(t *testing.T) {
	rows := map[string]bool{}
	for file, internal := range contracts {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			if servedByStorage[service.FullName()] {
				continue
			}
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
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
				if method.IsStreamingClient() || method.IsStreamingServer() {
					t.Errorf("%s is a stream, which no dispatcher sees", full)
				}
			}
		}
	}
	for full := range policy {
		if !rows[full] {
			t.Errorf("the policy has a row for %s, which is no method of a listed contract", full)
		}
	}
}

// Every contract of the package that callers see is listed above.
func TestEveryContractIsListed(t *testing.T) {
	for _, file := range []protoreflect.FileDescriptor{
		metadatav1.File_holdfast_metadata_v1_space_proto, ledgerv1.File_holdfast_ledger_v1_ledger_proto,
	} {
		services := 0
		for listed := range contracts {
			if listed.Package() == file.Package() {
				services += listed.Services().Len()
			}
		}
		if want := servicesOf(file.Package()); services != want {
			t.Errorf("%s has %d services, %d of them are in listed files", file.Package(), want, services)
		}
	}
}

func servicesOf(pkg protoreflect.FullName) int {
	n := 0
	protoregistry.GlobalFiles.RangeFilesByPackage(pkg, func(file protoreflect.FileDescriptor) bool {
		n += file.Services().Len()
		return true
	})
	return n
}
