package namespace

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// tree remembers which folders can be reached, and by which names, under which
// tree version. Only what holds is remembered: that something is missing can
// change without the version's knowing. Entries of older versions are dead
// weight until they are evicted.
type tree struct {
	standings *lru.Cache[folderKey, standing]
	names     *lru.Cache[nameKey, step]
	mu        sync.Mutex
	versions  *lru.Cache[string, int64]
}

// Entries that are remembered, over all spaces. Together some 50 MiB at most.
const (
	rememberedFolders = 1 << 16
	rememberedSpaces  = 1 << 12
)

type folderKey struct{ space, id string }

type nameKey struct{ space, folder, name string }

// standing is that a folder can be reached from the root.
type standing struct {
	version int64
	// expireMicros is the earliest expiry of the folder and its ancestors.
	expireMicros int64
}

// step is that a name in a folder leads to a folder.
type step struct {
	version      int64
	id           string
	expireMicros int64 // of the folder that it leads to
}

func newTree() *tree {
	return &tree{
		standings: newLRU[folderKey, standing](rememberedFolders),
		names:     newLRU[nameKey, step](rememberedFolders),
		versions:  newLRU[string, int64](rememberedSpaces),
	}
}

func newLRU[K comparable, V any](size int) *lru.Cache[K, V] {
	cache, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return cache
}

// version returns the newest version that was seen of a space.
func (t *tree) version(space string) (int64, bool) { return t.versions.Get(space) }

// saw remembers the version of a space, which never goes back.
func (t *tree) saw(space string, version int64) {
	if known, ok := t.versions.Get(space); ok && known >= version {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.versions.Peek(space); !ok || known < version {
		t.versions.Add(space, version)
	}
}

// earliest returns the earlier of two expiries, 0 being never.
func earliest(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
