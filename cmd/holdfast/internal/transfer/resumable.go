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

// uploadResumable uploads a large file. When this program ends before it is done,
// the next one goes on, as long as destination, server and the bytes of the file
// are the same. Times and sizes may be the same when bytes are not.
func (p *Put) uploadResumable(ctx context.Context, item Item, u api.Upload, file *os.File, info fs.FileInfo) Item {
	p.describe(&u)
	local, err := filepath.Abs(item.Local)
	if err != nil {
		local = item.Local
	}
	memory := newMemory(p.Unfinished, fmt.Sprintf("%s\n%s\n%s\n%x\n%s\n%v",
		p.Client.Home(), u.Path, local, u.SHA256, u.ContentType, u.IfAbsent), p.forgetful)
	stored, err := p.Client.UploadResumable(ctx, api.Resumable{
		Upload: u, Memory: memory,
		From: func(offset int64) io.Reader { return steadyFrom(file, info, offset) },
	})
	return p.outcome(item, stored, blamed(ctx, err, file, u.SHA256))
}

// forgetful tells, once, that large uploads are not remembered.
func (p *Put) forgetful(err error) {
	p.forgotten.Do(func() { p.Forgetful(err) })
}
