package powerfs

import (
	"io/fs"
	"syscall"
)

// mediumPage is what cannot be read as a whole when a byte of it is damaged.
const mediumPage = 4 << 10

// Damage makes the pages that hold a range of a file unreadable: with EIO, as
// disks tell it, and file systems that have checksums. To write a part of such a
// page fails too. The damage is the file's, whatever its name is later.
func (d *Disk) Damage(name string, from, to int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _, n, err := (&FS{disk: d}).walk(name)
	if err == nil && n == nil {
		err = fs.ErrNotExist
	}
	if err != nil {
		return failed("damage", name, err)
	}
	n.damaged = append(n.damaged, [2]int64{from / mediumPage * mediumPage, (to + mediumPage - 1) / mediumPage * mediumPage})
	d.unwell = append(d.unwell, n)
	return nil
}

// Heal makes all that is damaged readable again, as when it was the cable.
func (d *Disk) Heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.unwell {
		n.damaged = nil
	}
	d.unwell = nil
}

// readable returns how many bytes can be read at offset, of n, before a page
// that cannot, and the error then.
func (n *node) readable(length int, offset int64) (int, error) {
	end, err := offset+int64(length), error(nil)
	for _, r := range n.damaged {
		if r[0] < end && offset < r[1] {
			end, err = max(offset, r[0]), syscall.EIO
		}
	}
	return int(end - offset), err
}
