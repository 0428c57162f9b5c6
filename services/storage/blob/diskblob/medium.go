package diskblob

// mediumPage is what is read at once around a place that is unreadable: no
// medium, nor a system's cache, tells more closely where that is.
const mediumPage = 4 << 10

// readPages reads like readFull, and where that cannot be read page by page:
// those that cannot are zeros, and hole is told where they are.
func readPages(f File, b []byte, offset int64, hole func(at int64)) error {
	err := readFull(f, b, offset)
	if !unreadable(err) {
		return err
	}
	for len(b) > 0 {
		n := min(int64(len(b)), mediumPage-offset%mediumPage)
		switch err := readFull(f, b[:n], offset); {
		case unreadable(err):
			clear(b[:n])
			hole(offset)
		case err != nil:
			return err
		}
		b, offset = b[n:], offset+n
	}
	return nil
}

// rewrite writes once more what stands in a range of a file and can be read.
func rewrite(f File, from, to int64) error {
	buffer := takeBuffer(chunkBytes)
	defer giveBuffer(buffer)
	step := int64(chunkBytes)
	for from < to {
		b := (*buffer)[:min(step-from%step, to-from)]
		err := readFull(f, b, from)
		if unreadable(err) && step > mediumPage {
			step = mediumPage
			continue
		}
		if err == nil {
			_, err = f.WriteAt(b, from)
		} else if unreadable(err) {
			err = nil
		}
		if err != nil {
			return err
		}
		from += int64(len(b))
	}
	return nil
}
