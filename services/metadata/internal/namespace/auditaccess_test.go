package namespace_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/access"
	"github.com/holdfast-files/holdfast/services/metadata/internal/apikey"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

const accessMismatch = ledgerv1.Finding_ACCESS_MISMATCH

// accessDamages are those of members, keys and share links.
var accessDamages = map[string]damage{
	"a member is in no index": {accessMismatch, true, func(w *world, _ planted) {
		w.invite(testSpace, "user:ann", metadatav1.Member_READER)
		w.force(table.Delete(record.Membership(record.MemberID("user:ann"), testSpace), table.Any))
	}},
	"an index has a member that is none": {accessMismatch, true, func(w *world, _ planted) {
		w.force(table.Put(table.Item{Key: record.Membership(record.MemberID("user:eve"), testSpace)}, table.Any))
	}},
	"a member under another's key": {ledgerv1.Finding_RECORD_CORRUPT, false, func(w *world, _ planted) {
		w.invite(testSpace, "user:ann", metadatav1.Member_OWNER)
		item := w.item(record.Member(testSpace, record.MemberID("user:ann")))
		item.Key = record.Member(testSpace, record.MemberID("user:eve"))
		w.force(table.Put(item, table.Any))
	}},
	"a key has no hash": {accessMismatch, true, func(w *world, _ planted) {
		_, hash := w.keyRecord()
		w.force(table.Delete(record.APIKeyHash(hash), table.Any))
	}},
	"a hash has no key": {accessMismatch, true, func(w *world, _ planted) {
		k, _ := w.keyRecord()
		w.force(table.Delete(record.APIKey(testSpace, k.GetId()), table.Any))
	}},
	"a hash has another scope than its key": {accessMismatch, true, func(w *world, _ planted) {
		k, hash := w.keyRecord()
		k.Scope = int32(metadatav1.Key_ADMINISTER)
		w.force(table.Put(record.Item(record.APIKeyHash(hash), record.NewEtag(), k), table.Any))
	}},
	"a hash is of another secret than its key": {accessMismatch, true, func(w *world, _ planted) {
		k, _ := w.keyRecord()
		other := record.APIKeyHash(make([]byte, 32))
		w.force(table.Put(record.Item(other, record.NewEtag(), k), table.Any))
	}},
	"a use of no key": {accessMismatch, true, func(w *world, _ planted) {
		w.force(table.Put(record.Item(record.APIKeyUse(testSpace, record.NewID()), "", &recordv1.KeyUse{UseMicros: 1}), table.Any))
	}},
	"a share has no link": {accessMismatch, true, func(w *world, tree planted) {
		w.force(table.Delete(record.Link(w.shareRecord(tree).GetTokenHash()), table.Any))
	}},
	"a link has no share": {accessMismatch, true, func(w *world, tree planted) {
		w.force(table.Delete(record.ShareOf(testSpace, w.shareRecord(tree).GetId()), table.Any))
	}},
	"a link is of another token than its share": {accessMismatch, true, func(w *world, tree planted) {
		link := &recordv1.ShareLink{Space: testSpace, Share: w.shareRecord(tree).GetId()}
		w.force(table.Put(record.Item(record.Link(make([]byte, 32)), "", link), table.Any))
	}},
	"a counter has no link": {accessMismatch, true, func(w *world, _ planted) {
		w.force(table.Put(table.Item{Key: record.LinkCount(make([]byte, 32))}, table.Any))
	}},
	"a share that nothing will remove": {accessMismatch, true, func(w *world, tree planted) {
		s := w.shareRecord(tree)
		partition, sort, _ := strings.Cut(s.GetExpireJob(), "|")
		w.item(table.Key{Partition: partition, Sort: sort})
		w.force(table.Delete(table.Key{Partition: partition, Sort: sort}, table.Any))
	}},
	"a share that never expires and that nothing will remove": {accessMismatch, true, func(w *world, tree planted) {
		w.share(&metadatav1.Share{File: tree["/a/f"].GetName()})
		w.force(w.dropJobs(recordv1.Job_SHARE)...)
	}},
	"a share with another's tag": {ledgerv1.Finding_RECORD_CORRUPT, false, func(w *world, tree planted) {
		item := w.item(record.ShareOf(testSpace, w.shareRecord(tree).GetId()))
		item.Tag = "another"
		w.force(table.Put(item, table.Any))
	}},
}

// all returns all items of the table.
func (w *world) all() []table.Item { return slices.Collect(w.records()) }

// keyRecord makes an API key and returns its record and the hash of its secret.
func (w *world) keyRecord() (*recordv1.Key, []byte) {
	w.t.Helper()
	made, err := w.CreateKey(w.ctx, &metadatav1.CreateKeyRequest{Parent: parent, Key: &metadatav1.Key{Scope: metadatav1.Key_READ}})
	if err != nil {
		w.t.Fatal(err)
	}
	hash, _ := apikey.Hash(made.GetSecret())
	k := new(recordv1.Key)
	if err := proto.Unmarshal(w.item(record.APIKeyHash(hash[:])).Value, k); err != nil {
		w.t.Fatal(err)
	}
	return k, hash[:]
}

// shareRecord makes a share with an expiry and returns its record.
func (w *world) shareRecord(tree planted) *recordv1.Share {
	w.t.Helper()
	made := w.share(&metadatav1.Share{
		File: tree["/a/f"].GetName(), ExpireTime: timestamppb.New(w.clock.Now().Add(time.Hour)), MaxDownloadCount: 3,
	})
	s := new(recordv1.Share)
	if err := proto.Unmarshal(w.item(record.ShareOf(testSpace, made.GetName()[len(parent+"/shares/"):])).Value, s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// A repair lets in whom the space lists, with what it lists of him, and shuts out
// whom it does not.
func TestRepairOfAccess(t *testing.T) {
	w := newWorld(t)
	listed, hash := w.keyRecord()
	w.force(table.Delete(record.APIKeyHash(hash), table.Any))
	unlisted, unlistedHash := w.keyRecord()
	w.force(table.Delete(record.APIKey(testSpace, unlisted.GetId()), table.Any))
	raised, raisedHash := w.keyRecord()
	raised.Scope = int32(metadatav1.Key_ADMINISTER)
	w.force(table.Put(record.Item(record.APIKeyHash(raisedHash), record.NewEtag(), raised), table.Any))
	if found := w.findings(true); len(found) != 3 {
		t.Errorf("found %v", found)
	}
	if p, err := w.KeyBearer(w.ctx, hash); err != nil || p.Role != access.Reader || p.ID != access.KeyPrefix+testSpace+"/"+listed.GetId() {
		t.Errorf("a listed key: %+v, %v", p, err)
	}
	if _, err := w.KeyBearer(w.ctx, unlistedHash); fault.ReasonOf(err) != errorsv1.Reason_REASON_UNAUTHENTICATED {
		t.Errorf("a key that is not listed: %v", err)
	}
	if p, err := w.KeyBearer(w.ctx, raisedHash); err != nil || p.Administrator || p.Role != access.Reader {
		t.Errorf("a key whose scope was raised: %+v, %v", p, err)
	}
}

// A share that has expired goes by itself, with all of its records, and not before;
// a change of its expiry counts.
func TestSharesExpire(t *testing.T) {
	w := newWorld(t)
	file := w.put("/f", "x").GetName()
	before := len(w.all())
	in := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(w.clock.Now().Add(d)) }
	short := w.share(&metadatav1.Share{File: file, ExpireTime: in(time.Hour), MaxDownloadCount: 5})
	later := w.share(&metadatav1.Share{File: file, ExpireTime: in(time.Hour)})
	kept := w.share(&metadatav1.Share{File: file, ExpireTime: in(time.Hour)})
	if _, err := w.openLink(short.GetToken(), "", ""); err != nil {
		t.Fatal(err)
	}
	if err := w.follow(&storagev1.SharedTarget{Token: short.GetToken()}); err != nil {
		t.Fatal(err)
	}
	for _, change := range []*metadatav1.Share{{Name: later.GetName(), ExpireTime: in(3 * time.Hour)}, {Name: kept.GetName()}} {
		if _, err := w.UpdateShare(w.ctx, &metadatav1.UpdateShareRequest{Share: change, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"expire_time"}}}); err != nil {
			t.Fatal(err)
		}
	}
	shares := func() int {
		w.sweep()
		w.audit()
		n := 0
		for _, item := range w.all() {
			if of, _ := record.AccessOf(item.Key); of == record.AccessShare {
				n++
			}
		}
		return n
	}
	if n := shares(); n != 3 {
		t.Errorf("%d shares before any has expired", n)
	}
	w.clock.Advance(time.Hour)
	if n := shares(); n != 2 {
		t.Errorf("%d shares after the first has expired", n)
	}
	w.wantNothing(short.GetToken(), "after its expiry")
	if _, err := w.openLink(later.GetToken(), "", ""); err != nil {
		t.Errorf("one that was prolonged: %v", err)
	}
	w.clock.Advance(2 * time.Hour)
	if n := shares(); n != 1 {
		t.Errorf("%d shares after the second has expired", n)
	}
	w.clock.Advance(1000 * time.Hour)
	if _, err := w.openLink(kept.GetToken(), "", ""); err != nil {
		t.Errorf("one whose expiry was taken away: %v", err)
	}
	if _, err := w.DeleteShare(w.ctx, &metadatav1.DeleteShareRequest{Name: kept.GetName()}); err != nil && !errors.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	shares()
	w.clock.Advance(1000 * time.Hour) // the intent of the upload
	w.sweepAll()
	if after := len(w.all()); after > before {
		t.Errorf("%d records are left, of %d before the shares", after, before)
	}
}
