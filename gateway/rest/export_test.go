package rest

// JSONMemoryLeft returns what is left of Limits.JSONMemory.
func (h *Handler) JSONMemoryLeft() int64 { return h.usher.texts.left.Load() }
