// Package cost counts the calls of AWS that each operation of Holdfast makes,
// over real processes and the stand-ins, holds them against their budgets and
// computes what a million of each operation costs.
package cost

import (
	"fmt"
	"strings"
)

// List prices in US dollars: us-east-1, on demand, S3 Standard, as of June
// 2025; storage, transfer and KMS are not among them.
const (
	Prices = "us-east-1, on demand, S3 Standard, June 2025"

	readUnitPerMillion  = 0.125 // DynamoDB: 4 KiB, strongly consistent
	writeUnitPerMillion = 0.625 // DynamoDB: 1 KiB; a transaction uses two
	putPerMillion       = 5.00  // S3: PUT, POST, LIST
	getPerMillion       = 0.40  // S3: GET, HEAD
)

// Calls are what operations came to, by the names that AWS has for its own, and
// the units that DynamoDB charged.
type Calls map[string]int64

// Minus returns what came since before.
func (c Calls) Minus(before Calls) Calls {
	since := Calls{}
	for name, n := range c {
		if n -= before[name]; n != 0 {
			since[name] = n
		}
	}
	return since
}

// Reads are the calls that read records.
func (c Calls) Reads() int64 { return c["GetItem"] + c["Query"] + c["Scan"] }

// Writes are the calls that write records.
func (c Calls) Writes() int64 {
	return c["PutItem"] + c["DeleteItem"] + c["UpdateItem"] + c["TransactWriteItems"]
}

// Puts are the calls of S3 that cost as much as a PUT.
func (c Calls) Puts() int64 {
	return c["PutObject"] + c["UploadPart"] + c["CreateMultipartUpload"] + c["CompleteMultipartUpload"] +
		c["ListObjectsV2"] + c["ListMultipartUploads"]
}

// Gets are the calls of S3 that cost as much as a GET. Deletions cost nothing.
func (c Calls) Gets() int64 { return c["GetObject"] + c["HeadObject"] }

// Dollars is what a million times as many calls cost.
func (c Calls) Dollars() float64 {
	return float64(c["ReadUnits"])*readUnitPerMillion + float64(c["WriteUnits"])*writeUnitPerMillion +
		float64(c.Puts())*putPerMillion + float64(c.Gets())*getPerMillion
}

// Row is an operation with what one of it comes to.
type Row struct {
	Operation string
	Calls     Calls
}

// Table returns the rows in Markdown.
func Table(rows []Row) string {
	var b strings.Builder
	b.WriteString("| operation | record reads (units) | record writes (units) | S3 PUT | S3 GET | $ a million |\n")
	b.WriteString("|---|---|---|---|---|---|\n")
	for _, r := range rows {
		c := r.Calls
		fmt.Fprintf(&b, "| %s | %d (%d) | %d (%d) | %d | %d | %.2f |\n", r.Operation,
			c.Reads(), c["ReadUnits"], c.Writes(), c["WriteUnits"], c.Puts(), c.Gets(), c.Dollars())
	}
	return b.String()
}
