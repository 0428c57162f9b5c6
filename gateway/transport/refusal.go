package transport

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// How net/http refuses what it cannot parse: a status line, these fields, and
// a text.
var (
	refusalStart = []byte("HTTP/1.1 ")
	refusalField = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")
)

// Render makes the JSON of a refusal with the HTTP status, and the request id
// that it bears.
type Render func(status int) (requestID string, body []byte)

// refusal turns what net/http wrote into a refusal in JSON of the same status,
// if it is one.
func refusal(p []byte, render Render) ([]byte, bool) {
	line, ok := bytes.CutPrefix(p, refusalStart)
	if !ok || len(line) < 3 || !bytes.Contains(line, refusalField) {
		return nil, false
	}
	status, err := strconv.Atoi(string(line[:3]))
	if err != nil {
		return nil, false
	}
	id, body := render(status)
	page := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"Cache-Control: no-store\r\nConnection: close\r\nDate: %s\r\nX-Request-Id: %s\r\n\r\n",
		status, http.StatusText(status), len(body), time.Now().UTC().Format(http.TimeFormat), id)
	return append(page, body...), true
}
