package rest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
	"google.golang.org/protobuf/proto"
)

const pathA = "/v1/spaces/default/paths/docs/a.txt"

func TestUpload(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		a := r.put(pathA, "one", "Content-Type", "text/plain")
		a.wants(t, http.StatusCreated)
		node := a.json(t)
		if node["displayName"] != "a.txt" || node["sizeBytes"] != "3" || node["kind"] != "FILE" || node["contentType"] != "text/plain" {
			t.Errorf("node %s", a.body)
		}
		a.wantsField(t, "Location", "/v1/"+node["name"].(string))
		first := a.Header.Get("Etag")
		if want := `"` + lastSegment(node["revision"].(string)) + `"`; first != want {
			t.Errorf("Etag %s, want %s", first, want)
		}

		a = r.put("/v1/"+node["name"].(string)+"/content", "two", "If-Match", first)
		a.wants(t, http.StatusOK)
		if a.Header.Get("Etag") == first || a.json(t)["name"] != node["name"] {
			t.Errorf("%v, %s", a.Header, a.body)
		}
		r.put(pathA, "three", "If-Match", first).wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		r.put(pathA, "three", "If-None-Match", "*").wants(t, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
		if got := r.get(pathA); string(got.body) != "two" || got.Header.Get("Etag") != a.Header.Get("Etag") {
			t.Errorf("%s, %v", got.body, got.Header)
		}
	})
}

func TestUploadSizes(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		for _, size := range []int{0, 1, 4095, 4096, 100_000, 1 << 20, 1<<20 + 1, 3_500_000} {
			text := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
			path := fmt.Sprintf("/v1/spaces/default/paths/%d", size)
			r.do(http.MethodPut, path, bytes.NewReader(text)).wants(t, http.StatusCreated)
			// Without a Content-Length: chunked.
			r.do(http.MethodPut, path, struct{ io.Reader }{bytes.NewReader(text)}).wants(t, http.StatusOK)
			if spec := last[*storagev1.UploadSpec](r.world); spec.SizeBytes != nil && size > 0 {
				t.Errorf("%d bytes, chunked: announced %d", size, spec.GetSizeBytes())
			}
			if got := r.get(path); !bytes.Equal(got.body, text) {
				t.Errorf("%d bytes: %d other ones came back", size, len(got.body))
			}
		}
	})
}

func TestUploadAsksAsItWasAsked(t *testing.T) {
	r := newRig(t, rest.Config{})
	sum := sha256.Sum256([]byte("x"))
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	r.put(pathA, "x", "Content-Type", "Text/Plain;charset=utf-8", "Repr-Digest", digest, "If-None-Match", "*", "Idempotency-Key", `"k1"`).wants(t, http.StatusCreated)
	want := &storagev1.UploadSpec{
		Target:      &storagev1.UploadSpec_Path{Path: &storagev1.PathTarget{Space: space, Path: "/docs/a.txt"}},
		ContentType: "text/plain; charset=utf-8",
		SizeBytes:   proto.Int64(1),
		Sha256:      sum[:],
		Condition:   &storagev1.WriteCondition{Absent: true},
		RequestId:   "k1",
	}
	if got := last[*storagev1.UploadSpec](r.world); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
	r.put(pathA, "x", "Content-Type", "application/x-www-form-urlencoded", "Content-Encoding", "identity").wants(t, http.StatusOK)
	want = &storagev1.UploadSpec{Target: want.GetTarget(), SizeBytes: proto.Int64(1)}
	if got := last[*storagev1.UploadSpec](r.world); !proto.Equal(got, want) {
		t.Errorf("asked %v, want %v", got, want)
	}
}

func TestUploadRefuses(t *testing.T) {
	r := newRig(t, rest.Config{})
	for name, c := range map[string]struct {
		status int
		reason string
		fields []string
	}{
		"content-range":    {400, "INVALID_ARGUMENT", []string{"Content-Range", "bytes 0-0/1"}},
		"gzip":             {415, "UNSUPPORTED_MEDIA", []string{"Content-Encoding", "gzip"}},
		"form":             {415, "UNSUPPORTED_MEDIA", []string{"Content-Type", "multipart/form-data; boundary=x"}},
		"content type":     {400, "INVALID_ARGUMENT", []string{"Content-Type", "text"}},
		"digest":           {400, "INVALID_ARGUMENT", []string{"Repr-Digest", "sha-256=abc"}},
		"another digest":   {400, "DIGEST_MISMATCH", []string{"Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"}},
		"if-match":         {400, "INVALID_ARGUMENT", []string{"If-Match", "abc"}},
		"idempotency keys": {400, "INVALID_ARGUMENT", []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.put(pathA, "x", c.fields...).wants(t, c.status, c.reason)
		})
	}
	r.put(pathA+"?revision=x", "x").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	r.put("/v1/spaces/default/paths/docs/", "x").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
	if len(r.world.files) != 0 {
		t.Errorf("stored %v", r.world.files)
	}
}

// Whatever ends a body before its end, nothing is stored, and a client that
// can still read gets to read why.
func TestUploadBrokenBody(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		for name, broken := range map[string]struct{ body, message string }{
			"short":         {"Content-Length: 10\r\n\r\n12345", "5 of 10"},
			"short, large":  {"Content-Length: 5000000\r\n\r\n" + strings.Repeat("x", 2_000_000), "2000000 of 5000000"},
			"chunk":         {"Transfer-Encoding: chunked\r\n\r\n5\r\n123", "malformed"},
			"chunk size":    {"Transfer-Encoding: chunked\r\n\r\nzz\r\n123\r\n0\r\n\r\n", "malformed"},
			"no last chunk": {"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n", "malformed"},
		} {
			t.Run(name, func(t *testing.T) {
				c := r.dial()
				c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\n%s", pathA, broken.body)
				if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				a := c.answer(http.MethodPut)
				a.wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
				if _, message := a.errorOf(t); !strings.Contains(message, broken.message) && !strings.Contains(message, "ended early") {
					t.Errorf("message %q", message)
				}
				c.ended()
			})
		}
		r.settle()
		if len(r.world.files) != 0 {
			t.Errorf("stored %v", r.world.files)
		}
	})
}

func TestUploadClientVanishes(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n%s", pathA, strings.Repeat("x", 2_000_000))
		<-r.world.started
		if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil { // reset, not end
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-r.world.bodies; err == nil || errors.Is(err, io.EOF) {
			t.Errorf("the body ended with %v", err)
		}
	})
}

// A refusal while the body is on its way reaches a client that reads only when
// it has sent everything.
func TestUploadRefusedEarly(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.make(trouble{fail: reason(errorsv1.Reason_REASON_QUOTA_EXCEEDED, "full")})
		for _, size := range []int{10, 100_000, 900_000} {
			c := r.dial()
			c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", pathA, size)
			c.send("%s", strings.Repeat("x", size))
			c.answer(http.MethodPut).wants(t, http.StatusInsufficientStorage, "QUOTA_EXCEEDED")
		}
		// A short rest was read, and the connection serves on.
		c := r.dial()
		c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", pathA)
		c.answer(http.MethodPut).wants(t, http.StatusInsufficientStorage, "QUOTA_EXCEEDED")
		c.answer(http.MethodGet).wants(t, http.StatusOK)
	})
}

// A client that never sends the rest is answered nevertheless.
func TestUploadRefusedBeforeTheBodyCame(t *testing.T) {
	r := newRig(t, rest.Config{Limits: rest.Limits{Drain: 50 * time.Millisecond}})
	r.world.make(trouble{fail: reason(errorsv1.Reason_REASON_QUOTA_EXCEEDED, "full")})
	for _, size := range []int{10, 10_000_000} {
		c := r.dial()
		c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n12", pathA, size)
		a := c.answer(http.MethodPut)
		a.wants(t, http.StatusInsufficientStorage, "QUOTA_EXCEEDED")
		if !a.Close {
			t.Error("the connection is said to go on, with a body that nobody read")
		}
		c.ended()
	}
}

// Storage may fail while the client sends without an end.
func TestUploadFailsMidway(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		r.world.make(trouble{unread: 100_000, fail: reason(errorsv1.Reason_REASON_STORAGE_FULL, "full")})
		c := r.dial()
		c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", pathA)
		go func() {
			chunk := fmt.Sprintf("10000\r\n%s\r\n", strings.Repeat("x", 1<<16))
			for {
				if _, err := io.WriteString(c.Conn, chunk); err != nil {
					return
				}
			}
		}()
		a := c.answer(http.MethodPut)
		a.wants(t, http.StatusInsufficientStorage, "STORAGE_FULL")
	})
}

// Expect: 100-continue is answered by the outcome of all that can be checked
// before the body.
func TestUploadExpect(t *testing.T) {
	inBothWith(t, rest.Config{Limits: rest.Limits{Drain: 50 * time.Millisecond}}, func(t *testing.T, r *rig) {
		head := fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n", pathA)
		c := r.dial()
		c.send("%s\r\n", head)
		if a := c.answer(http.MethodPut); a.StatusCode != http.StatusContinue {
			t.Fatalf("%s, want 100", a.Status)
		}
		c.send("abc")
		c.answer(http.MethodPut).wants(t, http.StatusCreated)

		for _, field := range []string{"If-None-Match: *", "Content-Range: bytes 0-2/3"} {
			c = r.dial()
			c.send("%s%s\r\n\r\n", head, field)
			if a := c.answer(http.MethodPut); a.StatusCode != http.StatusPreconditionFailed && a.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %s", field, a.Status)
			}
			c.ended()
		}
	})
}

func TestUploadStalls(t *testing.T) {
	inBothWith(t, rest.Config{Limits: rest.Limits{Stall: time.Second, Drain: 50 * time.Millisecond}}, func(t *testing.T, r *rig) {
		c := r.dial()
		c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n1", pathA)
		a := c.answer(http.MethodPut)
		a.wants(t, http.StatusRequestTimeout, "DEADLINE_EXCEEDED")
		c.ended()
		r.settle()
		if len(r.world.files) != 0 {
			t.Errorf("stored %v", r.world.files)
		}
	})
}

// A byte now and then is not progress.
func TestUploadTrickles(t *testing.T) {
	r := newRig(t, rest.Config{Limits: rest.Limits{Stall: time.Second, Drain: 50 * time.Millisecond}})
	c := r.dial()
	c.send("PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", pathA)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		}
	}()
	c.answer(http.MethodPut).wants(t, http.StatusRequestTimeout, "DEADLINE_EXCEEDED")
}

// While a slow commit is under way the deadline of the body must not cut the
// connection: it is over with the body.
func TestUploadSlowCommit(t *testing.T) {
	const stall = 500 * time.Millisecond
	r := newRig(t, rest.Config{Limits: rest.Limits{Stall: stall}})
	r.world.commit = make(chan struct{})
	time.AfterFunc(3*stall, func() { close(r.world.commit) })
	r.put(pathA, "abc").wants(t, http.StatusCreated)
}

func TestUploadErrorsAreStorages(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		e := fault.New(errorsv1.Reason_REASON_RATE_LIMITED, "slowly")
		e.RetryAfter = 1500 * time.Millisecond
		r.world.make(trouble{fail: e})
		a := r.put(pathA, "x")
		a.wants(t, http.StatusTooManyRequests, "RATE_LIMITED")
		a.wantsField(t, "Retry-After", "2")
	})
}
