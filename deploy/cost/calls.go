package cost

// Call is what one request of a kind takes.
type Call struct {
	What          string
	Reads, Writes float64 // units of DynamoDB; a write in a transaction takes two
	Puts, Gets    float64
	Services      float64 // that log a line of it
}

// Calls are the requests that README.md speaks of. What they take is counted by
// tests of the services, whose table is in the README of all.
var Calls = []Call{
	{"small uploads (3 reads, 1 + 2 × 4 writes, 1 PUT)", 3, 9, 1, 0, 3},
	{"small downloads (2 reads, 1 GET)", 2, 0, 0, 1, 3},
	{"pages of 100 entries (11 read units)", 11, 0, 0, 0, 2},
}

// Million is what a million of the calls cost, in USD.
type Million struct {
	Table, Blobs, Edge, Records float64 // Records: logs and traces
}

// Together is the sum.
func (m Million) Together() float64 { return m.Table + m.Blobs + m.Edge + m.Records }

// OfMillion prices a million of the calls where traceShare of requests are
// traced.
func (c Call) OfMillion(traceShare float64) Million {
	gigabytes := (edgeLine + c.Services*serviceLine) * million / 1e9
	return Million{
		Table:   c.Reads*readUnits + c.Writes*writeUnits,
		Blobs:   c.Puts*blobPut + c.Gets*blobGet,
		Edge:    edgeCall + webACLCall,
		Records: gigabytes*logged + traceShare*traced,
	}
}
