package rest

import (
	"net/http"

	"github.com/holdfast-files/holdfast/gateway/openapi"
)

// addPages adds what is not about files: health and documentation.
func (h *Handler) addPages() error {
	h.addPage("/healthz", func(x *exchange) error {
		x.writeJSON(http.StatusOK, []byte(`{"status":"ok"}`))
		return nil
	})
	h.addPage("/readyz", func(x *exchange) error {
		if err := h.ready(); err != nil {
			return err
		}
		x.writeJSON(http.StatusOK, []byte(`{"status":"ready"}`))
		return nil
	})
	h.addPage("/openapi.json", func(x *exchange) error {
		x.writeJSON(http.StatusOK, openapi.Document())
		return nil
	})
	page, err := openapi.NewPage()
	if err != nil {
		return err
	}
	h.addPage("/docs", func(x *exchange) error {
		x.w.Header().Set("Content-Security-Policy", page.Policy)
		x.write(http.StatusOK, htmlType, page.HTML)
		return nil
	})
	return nil
}

func (h *Handler) addPage(path string, serve handler) {
	h.routes.add(http.MethodGet, path, func(x *exchange) error {
		if _, err := parseQuery(x.r.URL.RawQuery); err != nil {
			return err
		}
		x.w.Header()["Cache-Control"] = noCache
		return serve(x)
	})
}
