package namespace

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// errUnsettled tells that the tree changed under a read; the read is done again.
var errUnsettled = errors.New("namespace: the tree changed meanwhile")

// maxAttempts bounds how often a call starts anew because others changed what
// it had read. Far more than real contention needs; it only ends a livelock.
const maxAttempts = 64

// settle repeats a read until the tree did not change under it.
func (n *Namespace) settle(ctx context.Context, read func() error) error {
	for attempt := range maxAttempts {
		if err := read(); !errors.Is(err, errUnsettled) {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
	return contended()
}

func contended() error {
	err := fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "too many concurrent changes; try again")
	err.RetryAfter = time.Second
	return err
}

// under runs read while folder stands: what read saw, it saw at a moment when
// the folder could be reached. It returns the head of that moment. A folder
// that cannot be reached is NOT_FOUND. read may run more than once.
func (n *Namespace) under(ctx context.Context, at resource.File, read func() error) (head, error) {
	var found head
	err := n.settle(ctx, func() error {
		before, known := n.standing(at)
		var climbed map[string]standing
		if !known {
			h, err := n.head(ctx, at.Space)
			if err != nil {
				return err
			}
			climbed, err = n.climb(ctx, at, h.version())
			if err != nil {
				return n.ifSettled(ctx, at.Space, h.version(), err)
			}
			before = climbed[at.ID]
		}
		readErr := read()
		after, err := n.head(ctx, at.Space)
		if err != nil {
			return err
		}
		n.tree.saw(at.Space, after.version())
		if after.version() != before.version {
			return errUnsettled
		}
		for id, s := range climbed {
			n.tree.standings.Add(folderKey{at.Space, id}, s)
		}
		if passed(before.expireMicros, n.now()) {
			return notFound(at.String())
		}
		found = after
		return readErr
	})
	return found, err
}

// standing returns what is remembered of a folder under the newest version known.
func (n *Namespace) standing(at resource.File) (standing, bool) {
	version, ok := n.tree.version(at.Space)
	if !ok {
		return standing{}, false
	}
	if at.ID == record.Root {
		return standing{version: version}, true
	}
	s, ok := n.tree.standings.Get(folderKey{at.Space, at.ID})
	return s, ok && s.version == version
}

// climb walks from a folder up to the root, or to an ancestor whose standing is
// remembered, and returns the standings of the folders on the way. They hold if
// the version is still the same afterwards. A chain that is broken, by a folder
// that is gone or in the trash, is NOT_FOUND, and one without end errCycle.
func (n *Namespace) climb(ctx context.Context, at resource.File, version int64) (map[string]standing, error) {
	var chain []*recordv1.Node
	var way wayUp
	top := standing{version: version}
	for id := at.ID; id != record.Root; {
		if way.closes(id) {
			return nil, errCycle
		}
		if s, ok := n.tree.standings.Get(folderKey{at.Space, id}); ok && s.version == version {
			top = s
			break
		}
		item, err := n.table.Get(ctx, record.Node(at.Space, id))
		if errors.Is(err, table.ErrNotFound) {
			return nil, notFound(at.String())
		}
		if err != nil {
			return nil, err
		}
		folder, err := record.DecodeNode(item)
		if err != nil {
			return nil, err
		}
		if folder.GetKind() != recordv1.Node_FOLDER || folder.GetState() != recordv1.Node_LIVE {
			return nil, notFound(at.String())
		}
		chain = append(chain, folder)
		id = folder.GetFolder()
	}
	standings := make(map[string]standing, len(chain)+1)
	standings[at.ID] = top
	for i := len(chain) - 1; i >= 0; i-- {
		top.expireMicros = earliest(top.expireMicros, chain[i].GetExpireMicros())
		standings[chain[i].GetId()] = top
	}
	return standings, nil
}

// errCycle tells of folders that lie in each other: damage, for no request makes
// them, or what a walk saw of folders that were moved under it.
var errCycle = fault.New(errorsv1.Reason_REASON_DATA_LOSS, "folders lie in each other")

// A wayUp notices when it goes round, with one id to remember: it takes the id
// after 1, 2, 4, 8... steps and waits for it to come again (Brent 1980).
type wayUp struct {
	mark        string
	steps, next int
}

func (w *wayUp) closes(id string) bool {
	if id == w.mark {
		return true
	}
	if w.steps++; w.steps > w.next {
		w.mark, w.next = id, 2*w.steps
	}
	return false
}

// ifSettled returns err if the version of the space is still the given one, so
// that err is the truth of one moment, and errUnsettled if not.
func (n *Namespace) ifSettled(ctx context.Context, space string, version int64, err error) error {
	if !errors.Is(err, fault.NotFound) && !errors.Is(err, errCycle) {
		return err
	}
	h, headErr := n.head(ctx, space)
	if headErr != nil {
		return headErr
	}
	if h.version() != version {
		return errUnsettled
	}
	return err
}
