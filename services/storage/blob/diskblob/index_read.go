package diskblob

import (
	"bytes"
	"errors"
	"sort"

	"github.com/holdfast-files/holdfast/services/storage/blob"
)

// cursor holds one block of an index at a time.
type cursor struct {
	x      *index
	file   *handle
	buffer *[]byte
	number int // of the block, or -1
	count  int
}

func (x *index) cursor() *cursor { return &cursor{x: x, number: -1} }

func (c *cursor) close() {
	if c.file != nil {
		c.file.release()
		giveBuffer(c.buffer)
	}
}

// load reads a block. The error is errIndex when it is damaged or cannot be
// read.
func (c *cursor) load(number int) (err error) {
	if number == c.number {
		return nil
	}
	if c.file == nil {
		p := c.x.pack
		c.file, err = p.store.files.take(p.name.key(kindIndex), func() (File, error) {
			return p.store.fs.Open(p.store.dir.pack(p.name, indexSuffix))
		})
		if unreadable(err) {
			err = errIndex
		}
		if err != nil {
			return err
		}
		c.buffer = takeBuffer(indexBlock)
	}
	c.number = -1
	block := (*c.buffer)[:indexBlock]
	if err := readFull(c.file, block, int64(number)*indexBlock); err != nil {
		if errors.Is(err, errShort) || unreadable(err) {
			err = errIndex
		}
		return err
	}
	if c.count, err = c.x.parseBlock(block, number); err != nil {
		return err
	}
	c.number = number
	return nil
}

// entry returns an entry of the block.
func (c *cursor) entry(i int) entry { return parseEntry((*c.buffer)[i*entryBytes:]) }

// id returns the id of an entry of the block.
func (c *cursor) id(i int) []byte { return (*c.buffer)[i*entryBytes:][:16] }

// find calls match for every entry of an id.
func (c *cursor) find(id blob.ID, match func(ordinal int, e entry)) error {
	if !c.x.covers(id) {
		return nil
	}
	// Entries of one id may begin in the block before the first that begins
	// with it.
	fences := c.x.fences
	number := max(0, sort.Search(len(fences), func(i int) bool { return bytes.Compare(fences[i][:], id[:]) >= 0 })-1)
	for ; number < len(fences) && bytes.Compare(fences[number][:], id[:]) <= 0; number++ {
		if err := c.load(number); err != nil {
			return err
		}
		i := sort.Search(c.count, func(i int) bool { return bytes.Compare(c.id(i), id[:]) >= 0 })
		for ; i < c.count && bytes.Equal(c.id(i), id[:]); i++ {
			match(number*blockEntries+i, c.entry(i))
		}
	}
	return nil
}

// lookup appends the places of the records of an id.
func (x *index) lookup(places []place, id blob.ID) ([]place, error) {
	c := x.cursor()
	defer c.close()
	err := c.find(id, func(ordinal int, e entry) {
		s := live
		if x.dead.has(ordinal) {
			s = dead
		}
		places = append(places, place{x.pack, e, s})
	})
	return places, err
}

// bury marks entries as deleted, of which id and offset are known, and which
// are ordered by id.
func (x *index) bury(entries []entry) error {
	c := x.cursor()
	defer c.close()
	for _, e := range entries {
		err := c.find(e.id, func(ordinal int, found entry) {
			if found.offset == e.offset || e.offset == anywhere {
				x.kill(ordinal, found)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls yield for every entry, also of deleted blobs.
func (x *index) each(yield func(ordinal int, e entry)) error {
	c := x.cursor()
	defer c.close()
	for number := range x.fences {
		if err := c.load(number); err != nil {
			return err
		}
		for i := range c.count {
			yield(number*blockEntries+i, c.entry(i))
		}
	}
	return nil
}
