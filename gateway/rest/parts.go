package rest

import (
	"fmt"
	"io"
	"strconv"

	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// parts writes several ranges as multipart/byteranges (RFC 9110, section
// 14.6), with a length that is known beforehand.
type parts struct {
	out      io.Writer
	ranges   []*storagev1.ByteRange
	heads    []string // before each part
	tail     string   // after the last one
	boundary string
	current  int
	left     int64 // of the current range
}

func newParts(ranges []*storagev1.ByteRange, size int64, contentType string) *parts {
	p := &parts{ranges: ranges, boundary: newRequestID()}
	lineBreak := ""
	for _, r := range ranges {
		p.heads = append(p.heads, fmt.Sprintf("%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n",
			lineBreak, p.boundary, contentType, contentRange(r, size)))
		lineBreak = "\r\n"
	}
	p.tail = "\r\n--" + p.boundary + "--\r\n"
	return p
}

func (p *parts) contentType() string { return "multipart/byteranges; boundary=" + p.boundary }

// length returns the length of the whole body in bytes.
func (p *parts) length() int64 {
	n := int64(len(p.tail))
	for i, r := range p.ranges {
		n += int64(len(p.heads[i])) + r.GetLength()
	}
	return n
}

// begin writes the head of the first part.
func (p *parts) begin() error {
	p.left = p.ranges[0].GetLength()
	_, err := io.WriteString(p.out, p.heads[0])
	return err
}

// Write takes the bytes of all ranges, one after the other.
func (p *parts) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		n, err := p.out.Write(b[:min(int64(len(b)), p.left)])
		written += n
		p.left -= int64(n)
		b = b[n:]
		if err == nil && p.left == 0 {
			err = p.next()
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// next writes what comes between two parts, or after the last one.
func (p *parts) next() error {
	p.current++
	between := p.tail
	if p.current < len(p.ranges) {
		p.left = p.ranges[p.current].GetLength()
		between = p.heads[p.current]
	}
	_, err := io.WriteString(p.out, between)
	return err
}

// contentRange returns the Content-Range of a resolved range.
func contentRange(r *storagev1.ByteRange, size int64) string {
	first, last := r.GetOffset(), r.GetOffset()+r.GetLength()-1
	return "bytes " + strconv.FormatInt(first, 10) + "-" + strconv.FormatInt(last, 10) + "/" + strconv.FormatInt(size, 10)
}
