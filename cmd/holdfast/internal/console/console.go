// Package console is what a command says to a person or to a program.
package console

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// Console is where a command reads and writes.
type Console struct {
	In  io.Reader
	Out io.Writer // the outcome
	Err io.Writer // everything else
	// Width returns the columns of the terminal that Err is; 0 when it is none.
	Width func() int
	// Zone is the time zone that times are shown in.
	Zone *time.Location
}

// Standard returns the console of this process.
func Standard() *Console {
	return &Console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Width: width, Zone: time.Local}
}

func width() int {
	fd := int(os.Stderr.Fd())
	if !term.IsTerminal(fd) {
		return 0
	}
	columns, _, err := term.GetSize(fd)
	if err != nil || columns == 0 {
		return 80
	}
	return columns
}

// Complain says on one line of Err what went wrong.
func (c *Console) Complain(format string, args ...any) {
	_, _ = fmt.Fprintln(c.Err, "holdfast: "+Printable(fmt.Sprintf(format, args...)))
}

// Time returns a time for people, in a fixed width.
func (c *Console) Time(t time.Time) string { return t.In(c.Zone).Format("2006-01-02 15:04") }

// Size returns a number of bytes for people, in at most 8 characters.
func Size(bytes int64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes), -1
	for value >= 1023.5 { // what would be shown as 1024
		value /= 1024
		unit++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[unit])
	}
	return fmt.Sprintf("%d %ciB", int64(math.Round(value)), "KMGTPE"[unit])
}

// Count returns a number of things that are called noun.
func Count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Printable returns text without what would control a terminal. The server
// takes no such names, but what is printed need not come from it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text)
}
