package namespace

import "google.golang.org/protobuf/proto"

// weight is the size of a list of messages that grows, in bytes. Each message is
// weighed once.
type weight[M proto.Message] struct{ counted, bytes int }

func (w *weight[M]) of(list []M) int {
	for ; w.counted < len(list); w.counted++ {
		w.bytes += proto.Size(list[w.counted])
	}
	return w.bytes
}
