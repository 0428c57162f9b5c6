package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/rest"
)

// counted is an answer that counts the deadlines which are set for its request.
type counted struct {
	*httptest.ResponseRecorder
	readDeadlines atomic.Int64
	set           chan struct{} // gets a token for each
}

func (c *counted) SetReadDeadline(time.Time) error {
	c.readDeadlines.Add(1)
	c.set <- struct{}{}
	return nil
}

// cutBody is a body of which no more comes until it is cut.
type cutBody struct {
	io.Reader
	cut <-chan struct{}
}

func (b cutBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		<-b.cut
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Who interrupts a body whose handler is done does not touch the connection:
// there is another request on it, or nothing at all.
func TestInterruptAfterTheHandler(t *testing.T) {
	r := newRig(t, rest.Config{Limits: rest.Limits{Stall: time.Second}})
	answer := &counted{ResponseRecorder: httptest.NewRecorder(), set: make(chan struct{}, 100)}
	location := r.post(uploadsURL, "", "Tus-Resumable", "1.0.0", "Upload-Length", "5").Header.Get("Location")
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "http://localhost"+location, cutBody{strings.NewReader("he"), answer.set})
	req.RemoteAddr, req.ContentLength = "127.0.0.1:1", 5
	for i, fields := 0, append(offsetType("Upload-Offset", "0"), tusMark...); i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	r.handler.ServeHTTP(answer, req)
	if answer.Code != http.StatusBadRequest {
		t.Fatalf("a body that was cut: %d %s", answer.Code, answer.Body)
	}
	before := answer.readDeadlines.Load()
	if before == 0 {
		t.Fatal("no deadline was set while the body was read")
	}
	// The next request for the upload interrupts the one before.
	a := r.do(http.MethodPatch, location, strings.NewReader("llo"), append(offsetType("Upload-Offset", "2"), tusMark...)...)
	if a.StatusCode != http.StatusNoContent {
		t.Errorf("the next request: %s %s", a.Status, a.body)
	}
	if answer.readDeadlines.Load() != before {
		t.Error("a deadline was set after the handler was done")
	}
}
