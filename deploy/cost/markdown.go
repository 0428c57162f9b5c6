package cost

import (
	"fmt"
	"strings"
)

// IdleTable puts bills next to each other: a column for each name.
func IdleTable(names []string, bills [][]Item) string {
	var b strings.Builder
	b.WriteString("| idle, USD a month |")
	for _, name := range names {
		b.WriteString(" " + name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(names)) + "\n")
	sums := make([]float64, len(names))
	for row, item := range bills[0] {
		b.WriteString("| " + item.What + " |")
		for i, bill := range bills {
			sums[i] += bill[row].USD
			b.WriteString(amount(" %.0f |", bill[row].USD))
		}
		b.WriteString("\n")
	}
	b.WriteString("| **together** |")
	for _, sum := range sums {
		b.WriteString(amount(" **%.0f** |", sum))
	}
	return b.String() + "\n"
}

// CallsTable prices a million of each call in two stages.
func CallsTable(devShare, prodShare float64) string {
	var b strings.Builder
	b.WriteString("| USD a million of | DynamoDB | S3 | CloudFront and firewall | logs and traces, dev | prod | together, dev | prod |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, call := range Calls {
		dev, prod := call.OfMillion(devShare), call.OfMillion(prodShare)
		b.WriteString("| " + call.What + " |")
		for _, usd := range []float64{dev.Table, dev.Blobs, dev.Edge, dev.Records, prod.Records} {
			b.WriteString(amount(" %.2f |", usd))
		}
		b.WriteString(amount(" **%.2f** |", dev.Together()) + amount(" **%.2f** |", prod.Together()) + "\n")
	}
	return b.String()
}

// amount leaves out what is nothing.
func amount(format string, usd float64) string {
	if usd == 0 {
		return " |"
	}
	return fmt.Sprintf(format, usd)
}
