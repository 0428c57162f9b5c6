package namespace

import (
	"context"
	"errors"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	recordv1 "github.com/holdfast-files/holdfast/proto/holdfast/record/v1"
	"github.com/holdfast-files/holdfast/services/metadata/internal/record"
	"github.com/holdfast-files/holdfast/services/metadata/internal/resource"
	"github.com/holdfast-files/holdfast/services/metadata/table"
)

// An upload that joins others waits for their bytes together with them: as long
// as one may still get some, none of them is over. Each has its own time in its
// record, so that bytes for a part write no other; the others are looked at once
// that time has come.

// unexpired returns EXPIRED when the time of an upload is over.
func (n *Namespace) unexpired(ctx context.Context, u upload) error {
	end, _, err := n.expiry(ctx, u)
	if err == nil && passed(end, n.now()) {
		err = fault.New(errorsv1.Reason_REASON_EXPIRED, "%s has expired", u.name)
	}
	return err
}

// expiry returns when the time of an upload is over, in microseconds, and the
// conditions that those are as they were read on whom that depends.
func (n *Namespace) expiry(ctx context.Context, u upload) (int64, []table.Write, error) {
	end := u.GetExpireMicros()
	if !passed(end, n.now()) || !u.waits() {
		return end, nil, nil
	}
	var held []table.Write
	look := func(id string) (*recordv1.Upload, error) {
		name := resource.Upload{Space: u.name.Space, ID: id}
		other, err := n.uploadRecord(ctx, name)
		cond := table.IfTag(other.tag)
		if errors.Is(err, fault.NotFound) {
			cond, err = table.IfAbsent, nil
		}
		held = append(held, table.Check(record.Upload(name.Space, name.ID), cond))
		end = max(end, other.GetExpireMicros())
		return other.Upload, err
	}
	whole := u.Upload
	if u.GetPartial() {
		var err error
		if whole, err = look(u.GetWhole()); err != nil {
			return 0, nil, err
		}
	}
	for _, part := range whole.GetParts() {
		if part == u.name.ID {
			continue
		}
		if _, err := look(part); err != nil {
			return 0, nil, err
		}
	}
	return end, held, nil
}

// waits reports whether an upload waits for others: as one that joins them, or as
// a part, be it complete.
func (u upload) waits() bool {
	if u.GetPartial() {
		return u.GetWhole() != "" && u.GetState() != recordv1.Upload_JOINED
	}
	return len(u.GetParts()) > 0 && u.GetState() == recordv1.Upload_OPEN
}
