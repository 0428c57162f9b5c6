package records

// Units are what DynamoDB charges for, on demand.
type units struct{ read, write int64 }

const (
	readUnit  = 4 << 10 // bytes of a strong read
	writeUnit = 1 << 10 // bytes of an item that is written
)

// reads counts a strong read of so many bytes.
func (u *units) reads(bytes int) { u.read += int64(max(1, (bytes+readUnit-1)/readUnit)) }

// writes counts a write that finds one item and leaves another. In a
// transaction it costs twice as much.
func (u *units) writes(before, after item, transaction bool) {
	n := int64(max(1, (max(size(outside(before)), size(outside(after)))+writeUnit-1)/writeUnit))
	if transaction {
		n *= 2
	}
	u.write += n
}

// Units returns the read and write units that have been used so far.
func (s *Server) Units() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]int64{"ReadUnits": s.used.read, "WriteUnits": s.used.write}
}
