package diskblob

// windowBytes are written before the system is asked to write them out. It is
// made to wait for the window before, so that there are never more than two
// windows of a file in memory that the disk does not have, and the last sync is
// short.
const windowBytes = 8 << 20

// stream writes a long file from its beginning.
type stream struct {
	file    File
	written int64
	windows int64 // that were asked to be written out
}

func (s *stream) append(b []byte) error {
	if _, err := s.file.WriteAt(b, s.written); err != nil {
		return err
	}
	s.written += int64(len(b))
	for s.written >= (s.windows+1)*windowBytes {
		if err := s.file.Writeback(s.windows*windowBytes, windowBytes, false); err != nil {
			return err
		}
		if s.windows > 0 {
			if err := s.file.Writeback((s.windows-1)*windowBytes, windowBytes, true); err != nil {
				return err
			}
		}
		s.windows++
	}
	return nil
}
