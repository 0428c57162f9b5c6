package console

import (
	"bufio"
	"encoding/json"
	"fmt"
)

// Printer prints the outcome of a command, as lines for people or as JSON,
// an object on each line, for programs. Its first error is kept for Close.
type Printer struct {
	JSON bool
	w    *bufio.Writer
	json *json.Encoder
}

// Printer returns a printer to Out. It has to be closed.
func (c *Console) Printer(asJSON bool) *Printer {
	p := &Printer{JSON: asJSON, w: bufio.NewWriter(c.Out)}
	p.json = json.NewEncoder(p.w)
	p.json.SetEscapeHTML(false)
	return p
}

// Line prints a line for people. Arguments that are strings can't control the
// terminal.
func (p *Printer) Line(format string, args ...any) {
	_, _ = fmt.Fprintln(p.w, Printable(fmt.Sprintf(format, args...)))
}

// Object prints a line for programs. An error is that of the writer, which
// Close returns: what is printed can be encoded.
func (p *Printer) Object(value any) { _ = p.json.Encode(value) }

// Flush makes visible what was printed so far.
func (p *Printer) Flush() { _ = p.w.Flush() }

// Close prints what is left and returns the first error of all printing.
func (p *Printer) Close() error { return p.w.Flush() }
