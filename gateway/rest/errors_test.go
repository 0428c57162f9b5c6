package rest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/gateway/content"
	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/rpc"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// Every reason is rendered the same way by JSON calls and byte calls, with the
// status of the one table.
func TestErrors(t *testing.T) {
	inBoth(t, func(t *testing.T, r *rig) {
		for n, name := range errorsv1.Reason_name {
			e := errorsv1.Reason(n)
			if e == errorsv1.Reason_REASON_UNSPECIFIED {
				continue
			}
			r.world.make(trouble{fail: reason(e, "for you")})
			for _, a := range []answer{
				r.get("/v1/spaces/default"),
				r.get("/v1/spaces/default/paths/a"),
				r.put("/v1/spaces/default/paths/a", "x"),
				r.do(http.MethodDelete, "/v1/spaces/default/paths/a", nil),
			} {
				a.wants(t, fault.HTTPStatus(e), strings.TrimPrefix(name, "REASON_"))
				a.wantsField(t, "Cache-Control", "no-store")
				if got := a.Header.Get("Www-Authenticate"); (got != "") != (a.StatusCode == http.StatusUnauthorized) {
					t.Errorf("%s: WWW-Authenticate %q", name, got)
				}
			}
		}
	})
}

// The log of a server is read by more people than its files are.
func TestLogNamesNoFile(t *testing.T) {
	var log bytes.Buffer
	r := newRig(t, rest.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, path := range []string{
		"/v1/spaces/default/paths/payroll.xlsx", "/v1/spaces/default/paths/payroll.xlsx?bad=payroll",
		"/v1/spaces/default/files:lookup?path=/payroll.xlsx", "/payroll/token", "/v1/spaces/default/paths/%2Fpayroll",
	} {
		r.get(path)
	}
	r.put("/v1/spaces/default/paths/payroll.xlsx", "x")
	if got := log.String(); strings.Contains(got, "payroll") || !strings.Contains(got, "route=/v1/spaces/*/paths/**") {
		t.Errorf("logged\n%s", got)
	}
}

func TestErrorsLeakNothing(t *testing.T) {
	const secret = "table=prod-7 password=hunter2"
	var log bytes.Buffer
	r := newRig(t, rest.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r.world.make(trouble{fail: errors.New(secret)})
	for _, path := range []string{"/v1/spaces/default", "/v1/spaces/default/paths/a"} {
		a := r.get(path)
		a.wants(t, http.StatusInternalServerError, "INTERNAL")
		if strings.Contains(string(a.body), "hunter2") {
			t.Errorf("answered %s", a.body)
		}
	}
	r.world.make(trouble{fail: fault.Wrap(errors.New(secret), errorsv1.Reason_REASON_UNAVAILABLE, "later")})
	a := r.get("/v1/spaces/default/paths/a")
	a.wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	if strings.Contains(string(a.body), "hunter2") {
		t.Errorf("answered %s", a.body)
	}
	if !strings.Contains(log.String(), "hunter2") {
		t.Error("the log does not say what went wrong either")
	}
}

// panicker is a Content with a defect.
type panicker struct{ content.Content }

func (panicker) Download(_ context.Context, req *storagev1.DownloadRequest, begin content.Begin) error {
	if req.GetPath().GetPath() == "/late" {
		w, err := begin(&storagev1.DownloadHeader{
			Outcome:  storagev1.DownloadHeader_FULL,
			Revision: &metadatav1.Revision{SizeBytes: 10},
		})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, "12345"); err != nil {
			return err
		}
	}
	panic("a defect")
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	r := serve(t, newWorld(), rest.Config{
		Content: panicker{}, Metadata: rpc.NewLocal(rpc.Config{}),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	r.get("/v1/spaces/default/paths/early").wants(t, http.StatusInternalServerError, "INTERNAL")
	if !strings.Contains(log.String(), "a defect") {
		t.Errorf("the log holds %s", log.String())
	}
	c := r.dial()
	c.send("GET /v1/spaces/default/paths/late HTTP/1.1\r\nHost: localhost\r\n\r\n")
	resp, err := http.ReadResponse(c.r, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the answer ended with %v", err)
	}
	c.ended()
}

func TestHealth(t *testing.T) {
	down := false
	r := newRig(t, rest.Config{Ready: func() error {
		if down {
			return fault.New(errorsv1.Reason_REASON_UNAVAILABLE, "draining")
		}
		return nil
	}})
	r.get("/healthz").wants(t, http.StatusOK)
	r.get("/readyz").wants(t, http.StatusOK)
	down = true
	r.get("/healthz").wants(t, http.StatusOK)
	a := r.get("/readyz")
	a.wants(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	a.wantsField(t, "Retry-After", "1")
	r.get("/readyz?x").wants(t, http.StatusBadRequest, "INVALID_ARGUMENT")
}
