package wire

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
)

// fault is what goes wrong with a call.
type fault int

const (
	fine       fault = iota
	refused          // the connection ends, and the server sees nothing
	throttled        // the server says that it is too busy, and does nothing
	failed           // the server says that it failed, and does nothing
	lost             // the server does it, and the connection ends without an answer
	failedLate       // the server does it, and says that it failed
	cut              // the server does it, and the connection ends within the answer
	faults
)

// serve has next serve a call, with the fault.
func (f fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch f {
	case fine:
		next.ServeHTTP(w, r)
	case refused:
		panic(http.ErrAbortHandler)
	case throttled:
		refuse(w, r, http.StatusBadRequest, "ThrottlingException")
	case failed:
		refuse(w, r, http.StatusInternalServerError, "InternalServerError")
	case lost:
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case failedLate:
		next.ServeHTTP(httptest.NewRecorder(), r)
		refuse(w, r, http.StatusInternalServerError, "InternalServerError")
	case cut:
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		body := answer.Body.Bytes()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body[:len(body)/2]) // it is cut anyway
		panic(http.ErrAbortHandler)
	}
}

// refuse answers in the form of DynamoDB or of S3.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	if r.Header.Get("X-Amz-Target") != "" {
		body := fmt.Sprintf(`{"__type":%q,"message":"on purpose"}`, code)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE([]byte(body))))
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return
	}
	if status == http.StatusBadRequest {
		status, code = http.StatusServiceUnavailable, "SlowDown"
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>on purpose</Message></Error>", code)
	}
}
