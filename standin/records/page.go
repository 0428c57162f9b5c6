package records

import "encoding/hex"

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// maxPage is where DynamoDB cuts a page, in bytes.
const maxPage = 1 << 20

// page is the answer to a query or scan.
type page struct {
	limit   int32
	reverse bool
	start   key // the last one of the page before
	most    int

	items []item
	bytes int
	last  key
	cut   bool
}

func (p *page) begin(table string, start item, most int) error {
	if p.limit < 0 {
		return invalid("Limit must be greater than or equal to 1")
	}
	p.most = most
	if p.limit > 0 && (most == 0 || int(p.limit) < most) {
		p.most = int(p.limit)
	}
	if len(start) == 0 {
		return nil
	}
	var err error
	p.start, err = exactKey(table, start)
	return err
}

// add reports whether there was room for the item. Those of the page before
// count as added.
func (p *page) add(k key, i item) bool {
	if p.start.table != "" && k.partition == p.start.partition {
		if !p.reverse && k.sort <= p.start.sort || p.reverse && k.sort >= p.start.sort {
			return true
		}
	}
	if len(p.items) > 0 && p.bytes+size(outside(i)) > maxPage {
		p.cut = true
		return false
	}
	p.items, p.bytes, p.last = append(p.items, outside(i)), p.bytes+size(outside(i)), k
	if len(p.items) == p.most {
		// DynamoDB does not look whether there is one more.
		p.cut = true
		return false
	}
	return true
}

func (p *page) answer() any {
	out := map[string]any{"Items": p.items, "Count": len(p.items), "ScannedCount": len(p.items)}
	if p.items == nil {
		out["Items"] = []item{}
	}
	if p.cut {
		out["LastEvaluatedKey"] = outside(p.last.attributes())
	}
	return out
}
