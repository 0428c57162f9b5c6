package contentgrpc

import (
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/wire"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// patient is the receiving half of an upload's stream, which waits for a
// message so long and no longer. gRPC can give up waiting only by ending the
// call, so the waiting is left to a goroutine, which ends with the call.
//
// A message is received only when it is asked for: what an upload has not yet
// been admitted to is not read.
type patient struct {
	stream   grpc.ServerStream
	patience time.Duration
	timer    *time.Timer
	asks     chan any    // messages to receive
	answers  chan answer // has room for the one answer that may be due
	failed   error       // set for good when patience ran out
	invited  bool
	stopped  chan struct{} // closed by Interrupt
	once     sync.Once
}

// A client whose own client waits to be asked for the body (Expect:
// 100-continue) takes the header of the response for the word to go on. It is
// sent when the first chunk does not come by itself right away.
const inviteAfter = 5 * time.Millisecond

// answer is a received message. It crosses by value, since after a timeout the
// goroutine may still be writing to its own.
type answer struct {
	chunk wire.Chunk
	first proto.Message
	err   error
}

// deliver puts the message into m.
func (a answer) deliver(m any) error {
	switch m := m.(type) {
	case *wire.Chunk:
		m.Free()
		*m = a.chunk
	case proto.Message:
		proto.Merge(m, a.first)
	}
	return a.err
}

func newPatient(stream grpc.ServerStream, patience time.Duration) *patient {
	p := &patient{
		stream:   stream,
		patience: patience,
		timer:    time.NewTimer(patience),
		asks:     make(chan any),
		answers:  make(chan answer, 1),
		stopped:  make(chan struct{}),
	}
	go p.receive()
	return p
}

func (p *patient) receive() {
	var chunk wire.Chunk
	defer chunk.Free()
	for m := range p.asks {
		var a answer
		switch m := m.(type) {
		case *wire.Chunk:
			a.err = p.stream.RecvMsg(&chunk)
			// The chunk goes to whoever asked, its references with it.
			a.chunk, chunk = chunk, wire.Chunk{}
		case proto.Message:
			a.first = m.ProtoReflect().New().Interface()
			a.err = p.stream.RecvMsg(a.first)
		default:
			a.err = fmt.Errorf("contentgrpc: cannot receive a %T", m)
		}
		p.answers <- a
	}
}

// RecvMsg receives a message of protobuf or a *wire.Chunk. When nothing comes in
// time it returns DEADLINE_EXCEEDED, then and ever after, and when it was
// interrupted CANCELLED.
func (p *patient) RecvMsg(m any) error {
	if p.failed != nil {
		return p.failed
	}
	p.asks <- m
	if _, ok := m.(*wire.Chunk); ok && !p.invited {
		p.invited = true
		p.timer.Reset(inviteAfter)
		select {
		case a := <-p.answers:
			return a.deliver(m)
		case <-p.stopped:
			return p.interrupted()
		case <-p.timer.C:
			// That it cannot be sent any more will show below.
			_ = p.stream.SendHeader(nil)
		}
	}
	p.timer.Reset(p.patience)
	select {
	case a := <-p.answers:
		return a.deliver(m)
	case <-p.stopped:
		return p.interrupted()
	case <-p.timer.C:
		p.failed = fault.New(errorsv1.Reason_REASON_DEADLINE_EXCEEDED, "nothing came for %v", p.patience)
		return p.failed
	}
}

// Interrupt ends a RecvMsg that waits, and all later ones.
func (p *patient) Interrupt() { p.once.Do(func() { close(p.stopped) }) }

func (p *patient) interrupted() error {
	p.failed = fault.New(errorsv1.Reason_REASON_CANCELLED, "nothing more is wanted")
	return p.failed
}

// close lets the goroutine end when the call has.
func (p *patient) close() {
	p.timer.Stop()
	close(p.asks)
}
