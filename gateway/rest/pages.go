package rest

import "net/http"

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
