package rest

import (
	"context"
	"encoding/base64"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdfast-files/holdfast/gateway/header"
	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	metadatav1 "github.com/holdfast-files/holdfast/proto/holdfast/metadata/v1"
	storagev1 "github.com/holdfast-files/holdfast/proto/holdfast/storage/v1"
)

// addLinks adds the routes that ask for no identity: those of links.
func (h *Handler) addLinks() {
	for _, pattern := range []string{"/s/*", "/s/*/**"} {
		h.routes.add(http.MethodGet, pattern, h.linked(h.getShare))
		h.routes.add(http.MethodPost, pattern, h.linked(h.postPassword))
	}
	h.routes.add(http.MethodGet, "/d/*", h.linked(h.getSigned))
}

// linked is a handler of links: what it answers is kept by nobody, found by no
// search engine, and tells no other site where the reader came from.
func (h *Handler) linked(next handler) handler {
	return func(x *exchange) error {
		header := x.w.Header()
		header["X-Robots-Tag"] = []string{"noindex, nofollow"}
		header["Referrer-Policy"] = []string{"no-referrer"}
		header["Cache-Control"] = linkCache
		return next(x)
	}
}

var linkCache = []string{"private, no-store"}

// getSigned answers GET /d/{token}.
func (h *Handler) getSigned(x *exchange) error {
	if _, err := parseQuery(x.r.URL.RawQuery); err != nil {
		return err
	}
	return h.send(&download{exchange: x, linked: true}, &storagev1.DownloadRequest{
		Source: &storagev1.DownloadRequest_Signed{Signed: x.params.ids[0]},
	})
}

// getShare answers GET /s/{token} and GET /s/{token}/{path…}: with the contents
// of a file, and for a folder with what is in it.
func (h *Handler) getShare(x *exchange) error {
	target, err := x.sharedTarget()
	if err != nil {
		return err
	}
	query, err := parseQuery(x.r.URL.RawQuery, "download", "pageSize", "pageToken")
	if err != nil {
		return err
	}
	attachment, err := parseFlag("download", query)
	if err != nil {
		return err
	}
	size, err := parseSize(query.Get("pageSize"))
	if err != nil {
		return err
	}
	found, err := h.openShare(x, target, size, query.Get("pageToken"))
	if err != nil {
		return x.failShare(err, false)
	}
	if found.GetNode().GetKind() == metadatav1.File_FOLDER {
		return x.showFolder(found)
	}
	target.Password, target.Ticket = "", found.GetTicket()
	err = h.send(&download{exchange: x, linked: true, attachment: attachment}, &storagev1.DownloadRequest{
		Source: &storagev1.DownloadRequest_Shared{Shared: target},
	})
	if err != nil && x.status == 0 {
		return x.failShare(err, false)
	}
	return err
}

func parseSize(text string) (int32, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fault.Invalidf("pageSize", "want a number")
	}
	return int32(n), nil
}

func (h *Handler) openShare(
	x *exchange, target *storagev1.SharedTarget, size int32, page string,
) (*metadatav1.OpenShareResponse, error) {
	ctx, cancel := context.WithTimeout(x.ctx, h.limits.Call)
	defer cancel()
	found, err := h.shares.OpenShare(ctx, &metadatav1.OpenShareRequest{
		Token: target.GetToken(), Password: target.GetPassword(), Ticket: target.GetTicket(), Path: target.GetPath(),
		PageSize: size, PageToken: page,
	})
	return found, fault.FromStatus(err)
}

// postPassword answers POST /s/{token}: the form that asks for the password. A
// right one is exchanged for a cookie, so that it is sent once.
func (h *Handler) postPassword(x *exchange) error {
	if _, err := parseQuery(x.r.URL.RawQuery); err != nil {
		return err
	}
	target, err := x.sharedTarget()
	if err != nil {
		return err
	}
	if target.Password, err = x.formPassword(); err != nil {
		return err
	}
	target.Ticket = nil
	found, err := h.openShare(x, target, 1, "")
	if err != nil {
		return x.failShare(err, true)
	}
	if ticket := found.GetTicket(); len(ticket) > 0 {
		http.SetCookie(x.w, &http.Cookie{ //nolint:gosec // G124: Secure where there is TLS; browsers drop it elsewhere
			Name: shareCookie, Value: base64.RawURLEncoding.EncodeToString(ticket), Path: "/s/" + target.GetToken(),
			MaxAge: 3600, HttpOnly: true, Secure: h.usher.overTLS(x.r), SameSite: http.SameSiteLaxMode,
		})
	}
	x.w.Header()["Location"] = []string{x.r.URL.EscapedPath()}
	x.write(http.StatusSeeOther, htmlType, nil)
	return nil
}

const (
	shareCookie = "holdfast_share"
	// formBytes bounds the form with the password.
	formBytes = 4 << 10
)

func (x *exchange) formPassword() (string, error) {
	if x.body == nil {
		return "", fault.Invalidf("password", "missing")
	}
	if base, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type")); base != "application/x-www-form-urlencoded" {
		return "", fault.New(errorsv1.Reason_REASON_UNSUPPORTED_MEDIA, "Content-Type: want application/x-www-form-urlencoded")
	}
	if err := header.CheckContentEncoding(x.r.Header["Content-Encoding"]); err != nil {
		return "", err
	}
	x.body.hurry(x.h.limits.Call)
	text, err := io.ReadAll(io.LimitReader(x.body, formBytes+1))
	if err != nil {
		return "", err
	}
	if len(text) > formBytes {
		return "", fault.New(errorsv1.Reason_REASON_TOO_LARGE, "body: more than %d bytes", formBytes)
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return "", fault.Invalidf("body", "malformed")
	}
	return form.Get("password"), nil
}

// sharedTarget reads which share, where in it, and the proof of its password:
// from the cookie, or as the password of Basic. Never from the URL, which ends
// up in logs and histories.
func (x *exchange) sharedTarget() (*storagev1.SharedTarget, error) {
	target := &storagev1.SharedTarget{Token: x.params.ids[0]}
	if tail := strings.TrimSuffix(x.params.tail, "/"); tail != "" {
		path, err := filePath(tail)
		if err != nil {
			return nil, err
		}
		target.Path = strings.TrimPrefix(path, "/")
	}
	if cookie, err := x.r.Cookie(shareCookie); err == nil {
		if ticket, err := base64.RawURLEncoding.DecodeString(cookie.Value); err == nil {
			target.Ticket = ticket
		}
	}
	if _, password, ok := x.r.BasicAuth(); ok {
		target.Password = password
	}
	return target, nil
}

// failShare answers with what is wrong, as a page for who asks for one.
func (x *exchange) failShare(err error, tried bool) error {
	reason := fault.ReasonOf(err)
	if reason == errorsv1.Reason_REASON_UNAUTHENTICATED {
		// A browser is shown our form, and not its own.
		challenge := `Basic realm="share", charset="UTF-8"`
		if x.wantsPage() {
			challenge = `Form realm="share"`
		}
		x.w.Header()["Www-Authenticate"] = []string{challenge}
	}
	if !x.wantsPage() {
		return err
	}
	switch reason {
	case errorsv1.Reason_REASON_UNAUTHENTICATED:
		return x.showPage(http.StatusUnauthorized, passwordPage, tried)
	case errorsv1.Reason_REASON_NOT_FOUND:
		return x.showPage(http.StatusNotFound, nothingPage, nil)
	}
	return err
}

// wantsPage reports whether the client asks for HTML, as browsers do.
func (x *exchange) wantsPage() bool {
	for _, line := range x.r.Header["Accept"] {
		if strings.Contains(line, "text/html") {
			return true
		}
	}
	return false
}
