package wire

import "google.golang.org/grpc/mem"

// UsePool makes w borrow from another pool.
func (w *Writer) UsePool(p mem.BufferPool) { w.pool = p }
