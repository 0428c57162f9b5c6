package diskblob_test

import (
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob/internal/powerfs"
)

// The small blobs of a sick store are packed eight by eight, and each takes two
// pages of 4 KiB. The last four are in a pack of their own.
const (
	sickBlobs  = 28
	sickRecord = 8 << 10
	sickData   = sickRecord - 128
	sickLarge  = 700 << 10
	sickDir    = "/var/lib/blobs"
)

// sick is a store on a disk with damage, and what is in it.
type sick struct {
	t       *testing.T
	disk    *powerfs.Disk
	store   *diskblob.Store
	removed chan string
	ids     []blob.ID
	large   blob.ID
	gone    map[blob.ID]bool // were deleted
}

// newSick returns a store of which the second blob of each of the first packs
// is deleted.
func newSick(t *testing.T) *sick {
	s := newSickDisk(t)
	for range sickBlobs {
		s.ids = append(s.ids, s.create(sickData))
	}
	s.large = s.create(sickLarge)
	s.remove(1, 9, 17)
	return s
}

// newSickDisk returns an empty store.
func newSickDisk(t *testing.T) *sick {
	s := &sick{t: t, disk: powerfs.New(rand.New(rand.NewPCG(1, 2))), gone: map[blob.ID]bool{}}
	s.open()
	return s
}

func (s *sick) open() {
	s.t.Helper()
	s.removed = make(chan string, 100)
	store, err := diskblob.Open(diskblob.Config{
		Dir: sickDir, FS: removals{s.disk.Boot(), s.removed}, Logger: slog.New(slog.DiscardHandler),
		PackBytes: 8 * sickRecord, MergeBytesPerSecond: 1 << 50,
	})
	if err != nil {
		s.t.Fatal("Open:", err)
	}
	s.store = store
}

func (s *sick) close() {
	s.t.Helper()
	if err := s.store.Close(); err != nil && !errors.Is(err, powerfs.ErrDead) {
		s.t.Fatal("Close:", err)
	}
}

func (s *sick) create(size int64) blob.ID {
	s.t.Helper()
	id := uuid.Must(uuid.NewV7())
	if _, err := s.store.Create(s.t.Context(), id, newContents(id, size), size); err != nil {
		s.t.Fatal("Create:", err)
	}
	return id
}

func (s *sick) remove(blobs ...int) {
	s.t.Helper()
	for _, i := range blobs {
		if err := s.store.Delete(s.t.Context(), s.ids[i]); err != nil {
			s.t.Errorf("delete blob %d: %v", i, err)
		}
		s.gone[s.ids[i]] = true
	}
}

// file returns the path of what belongs to a pack.
func (s *sick) file(pack int, suffix string) string {
	s.t.Helper()
	names, err := s.disk.Boot().ReadDir(sickDir + "/packs")
	if err != nil {
		s.t.Fatal(err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, suffix) })
	slices.Sort(names)
	return sickDir + "/packs/" + names[pack]
}

// check reads everything: of the lost blobs none may be given, all others must.
// What was deleted is not there, unless some may be back.
func (s *sick) check(when string, lost []int, largeLost, back, veiled bool) {
	s.t.Helper()
	for i, id := range append(slices.Clone(s.ids), s.large) {
		size, dead := int64(sickData), slices.Contains(lost, i)
		if id == s.large {
			size, dead = sickLarge, largeLost
		}
		c := newCompare(id)
		switch err := s.store.Read(s.t.Context(), id, 0, size, c); {
		case c.wrong:
			s.t.Errorf("%s: blob %d: wrong bytes", when, i)
		case s.gone[id] && (errors.Is(err, blob.ErrNotFound) || back && err == nil || veiled && errors.Is(err, fault.DataLoss)):
		case s.gone[id]:
			s.t.Errorf("%s: blob %d was deleted: %v", when, i, err)
		case dead && !errors.Is(err, fault.DataLoss):
			s.t.Errorf("%s: blob %d is damaged: %v", when, i, err)
		case !dead && (err != nil || c.at != size):
			s.t.Errorf("%s: blob %d: %d bytes, %v", when, i, c.at, err)
		}
	}
	there, err := listed(s.t.Context(), s.store)
	if err != nil {
		s.t.Errorf("%s: List: %v", when, err)
	}
	for i, id := range s.ids {
		if s.gone[id] == there[id] && !back && !slices.Contains(lost, i) {
			s.t.Errorf("%s: blob %d: deleted %v, listed %v", when, i, s.gone[id], there[id])
		}
	}
}

// awaitRemoval waits until a merge has removed a file.
func (s *sick) awaitRemoval(name string) {
	s.t.Helper()
	for {
		select {
		case removed := <-s.removed:
			if removed == name {
				return
			}
		case <-s.t.Context().Done():
			s.t.Fatal("not merged")
		}
	}
}

// removals tells what was removed.
type removals struct {
	diskblob.FS
	names chan string
}

func (r removals) Remove(name string) error {
	err := r.FS.Remove(name)
	if err == nil {
		select {
		case r.names <- name:
		default:
		}
	}
	return err
}

// An unreadable place of the disk takes what lies there and nothing else: the
// store opens and works, it drops nothing, and when the place can be read again
// everything is there.
func TestUnreadablePlace(t *testing.T) {
	const end = 1 << 40
	for name, c := range map[string]struct {
		file      string // "" is that of the large blob
		pack      int
		from, to  int64 // from may count from the end
		killed    bool  // the last pack is not sealed
		open      bool  // the store is open when it happens
		lost      []int
		largeLost bool
		back      bool // what was deleted may be back
		veiled    bool // what was deleted and is gone may be taken for lost
	}{
		"footer of an index":           {file: ".index", from: 4 << 10, to: end},
		"block of an index":            {file: ".index", from: 0, to: 1},
		"block of an index, open":      {file: ".index", from: 0, to: 1, open: true},
		"tombs":                        {file: ".tombs", from: 0, to: 1, back: true},
		"head of a sealed pack":        {file: ".pack", from: 0, to: 1, lost: []int{0}},
		"data of a sealed pack":        {file: ".pack", from: 5 * sickRecord, to: 5*sickRecord + 1, lost: []int{5}},
		"data of a sealed pack, open":  {file: ".pack", from: 5 * sickRecord, to: 5*sickRecord + 1, lost: []int{5}, open: true},
		"a sealed pack":                {file: ".pack", from: 0, to: end, lost: []int{0, 2, 3, 4, 5, 6, 7}},
		"head of an open pack":         {file: ".pack", pack: 3, from: 0, to: 1, killed: true, lost: []int{24}},
		"first blob of an open pack":   {file: ".pack", pack: 3, from: 0, to: sickRecord, killed: true, veiled: true, lost: []int{24}},
		"last head of an open pack":    {file: ".pack", pack: 3, from: 3 * sickRecord, to: 3*sickRecord + 1, killed: true, lost: []int{27}},
		"last data of an open pack":    {file: ".pack", pack: 3, from: 3*sickRecord + 5000, to: 4 * sickRecord, killed: true, lost: []int{27}},
		"last blob of an open pack":    {file: ".pack", pack: 3, from: 3 * sickRecord, to: 4 * sickRecord, killed: true, veiled: true, lost: []int{27}},
		"an open pack":                 {file: ".pack", pack: 3, from: 0, to: end, killed: true, veiled: true, lost: []int{24, 25, 26, 27}},
		"page of a large blob":         {from: sickLarge, to: end, largeLost: true},
		"data of a large blob":         {from: 300 << 10, to: 300<<10 + 1, largeLost: true},
		"data of a large blob, open":   {from: 300 << 10, to: 300<<10 + 1, largeLost: true, open: true},
		"page of a large blob, opened": {from: sickLarge, to: end, open: true, largeLost: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSick(t)
			if c.killed {
				s.disk.Kill()
			}
			s.close()
			file := sickDir + "/large/" + s.large.String()[34:] + "/" + s.large.String()
			if c.file != "" {
				file = s.file(c.pack, c.file)
			}
			merged := s.file(2, ".pack")
			if !c.open {
				s.damage(file, c.from, c.to)
			}
			s.open()
			if c.open {
				s.damage(file, c.from, c.to)
			}
			s.check("damaged", c.lost, c.largeLost, c.back, c.veiled)
			s.remove(2, 3, 4, 6, 16, 18, 19, 26) // the first pack is to be merged, and the third
			s.awaitRemoval(merged)
			s.create(sickData)
			s.check("in use", c.lost, c.largeLost, c.back, c.veiled)

			s.close()
			s.open()
			s.check("opened again", c.lost, c.largeLost, c.back, c.veiled)
			s.disk.Heal()
			s.close()
			s.open()
			s.check("healed", nil, false, false, false)
			s.close()
		})
	}
}

func (s *sick) damage(file string, from, to int64) {
	s.t.Helper()
	if err := s.disk.Damage(file, from, to); err != nil {
		s.t.Fatal(err)
	}
}

// When an index becomes unreadable and so is a part of its pack, what is left
// of the index still serves, and nothing is given up; the next start knows the
// pack by its records.
func TestIndexAndPackUnreadable(t *testing.T) {
	s := newSick(t)
	s.close()
	index, pack, merged := s.file(0, ".index"), s.file(0, ".pack"), s.file(2, ".pack")
	s.open()
	s.damage(index, 0, 1)
	s.damage(pack, 0, sickRecord)
	for i, id := range s.ids {
		err := s.store.Read(t.Context(), id, 0, sickData, newCompare(id))
		if i < 8 && !errors.Is(err, fault.DataLoss) || i >= 8 && !s.gone[id] && err != nil {
			t.Errorf("blob %d: %v", i, err)
		}
	}
	if err := s.store.Delete(t.Context(), s.ids[2]); !errors.Is(err, fault.DataLoss) {
		t.Errorf("to delete what is not found: %v", err)
	}
	s.remove(16, 18, 19)
	s.awaitRemoval(merged)
	s.close()
	s.open()
	s.check("opened again", []int{0}, false, false, true)
	s.remove(0, 2, 3, 4) // the first without its place being known
	s.check("in use", nil, false, false, true)
	if err := s.store.Read(t.Context(), s.ids[0], 0, 1, io.Discard); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("deleted where it may be: %v", err)
	}
	s.disk.Heal()
	s.close()
	s.open()
	s.check("healed", nil, false, false, false)
	s.close()
}

// A pack that has an index was durable as a whole: what is damaged in it is lost and
// not taken for what was never acknowledged, although the index is damaged too.
func TestDamagedIndexAndRecord(t *testing.T) {
	s := newSick(t)
	s.close()
	s.flip(s.file(0, ".pack"), 7*sickRecord+sickRecord/2)
	index := s.file(0, ".index")
	for at := range int64(64) {
		s.flip(index, -1-at)
	}
	s.open()
	defer s.close()
	if err := s.store.Read(t.Context(), s.ids[7], 0, sickData, io.Discard); !errors.Is(err, fault.DataLoss) {
		t.Errorf("the damaged blob: %v", err)
	}
	if err := s.store.Read(t.Context(), s.ids[6], 0, sickData, io.Discard); err != nil {
		t.Errorf("the one beside it: %v", err)
	}
}

// flip changes a byte of a file; a negative place is one before its end.
func (s *sick) flip(path string, at int64) {
	s.t.Helper()
	f, err := s.disk.Boot().OpenWrite(path)
	if err != nil {
		s.t.Fatal(err)
	}
	size, err := f.Size()
	if at < 0 {
		at += size
	}
	b := make([]byte, 1)
	if err == nil {
		_, err = f.ReadAt(b, at)
	}
	b[0] ^= 0x10
	if err == nil {
		_, err = f.WriteAt(b, at)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		s.t.Fatal(err)
	}
}
