package rest

import "net/http"

// addPages adds what is not about files: health and documentation.
func (h *Handler) addPages() error {
	h.routes.add(http.MethodGet, "/healthz", func(x *exchange) error {
		x.writeJSON(http.StatusOK, []byte(`{"status":"ok"}`))
		return nil
	})
	h.routes.add(http.MethodGet, "/readyz", func(x *exchange) error {
		if err := h.ready(); err != nil {
			return err
		}
		x.writeJSON(http.StatusOK, []byte(`{"status":"ready"}`))
		return nil
	})
	return nil
}
