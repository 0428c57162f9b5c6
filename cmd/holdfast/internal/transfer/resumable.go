package transfer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
)

// resumableBytes is the size from which on a file is sent so that it goes on
// after a cut; below, to begin anew costs less than to ask.
const resumableBytes = 16 << 20

// uploadResumable is upload for a large file. When this program ends before it
// is done, the next one goes on, as long as file, destination and server are the
// same.
func (p *Put) uploadResumable(ctx context.Context, item Item, u api.Upload, file *os.File, info fs.FileInfo) Item {
	p.describe(&u)
	local, err := filepath.Abs(item.Local)
	if err != nil {
		local = item.Local
	}
	memory := newMemory(p.Unfinished, fmt.Sprintf("%s\n%s\n%s\n%d\n%d\n%s\n%v",
		p.Client.Home(), u.Path, local, info.Size(), info.ModTime().UnixNano(), u.ContentType, u.IfAbsent), p.forgetful)
	stored, err := p.Client.UploadResumable(ctx, api.Resumable{
		Upload: u, Memory: memory,
		From: func(offset int64) io.Reader {
			return &steadyReader{
				file: file, info: info, read: offset,
				section: io.NewSectionReader(file, offset, info.Size()-offset),
			}
		},
	})
	return p.outcome(item, stored, err)
}

// forgetful tells, once, that large uploads are not remembered.
func (p *Put) forgetful(err error) {
	p.forgotten.Do(func() { p.Forgetful(err) })
}
