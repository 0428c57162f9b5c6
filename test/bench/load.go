package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exchange is one request of a load: what to send, and what comes back.
type exchange struct {
	method string
	path   string
	header string // lines, each with its CRLF
	// body is sent bodyBytes long, from this buffer over and over.
	body      []byte
	bodyBytes int64
	want      int // status
	// located, when not nil, is told where the answer says that the file is.
	located func(location string)
}

// load sends requests over some connections, each waiting for its answer
// before it sends the next, which is what clients do. It is written against
// bare connections so that it takes little of the machine from the server.
type load struct {
	address  string
	clients  int
	duration time.Duration
	count    int64 // requests at most; 0 for no bound

	write  bool
	bytes  int64  // of each file
	prefix string // of their names
	files  int64  // to choose from by chance; 0 for one after the other
	make   func(n int64) exchange
}

// name names the file of the n-th request.
func (l load) name(n int64) string {
	if l.files > 0 {
		n = 1 + rand.Int64N(l.files)
	}
	return fmt.Sprintf("%s/%d/%d", l.prefix, n%16, n)
}

// outcome is what a load came to.
type outcome struct {
	Requests  int64
	Bytes     int64 // of bodies, both directions
	Elapsed   time.Duration
	Latencies []time.Duration // sorted
}

func (o outcome) sort() { slices.Sort(o.Latencies) }

func (o outcome) percentile(p float64) time.Duration {
	if len(o.Latencies) == 0 {
		return 0
	}
	return o.Latencies[min(len(o.Latencies)-1, int(p*float64(len(o.Latencies))))]
}

func (l load) run(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, l.duration+time.Minute)
	defer cancel()
	var next, bytes atomic.Int64
	var mu sync.Mutex
	var o outcome
	var failed error
	start := time.Now()
	var clients sync.WaitGroup
	for range l.clients {
		clients.Go(func() {
			latencies, err := l.client(ctx, start, &next, &bytes)
			mu.Lock()
			defer mu.Unlock()
			o.Latencies = append(o.Latencies, latencies...)
			failed = errors.Join(failed, err)
		})
	}
	clients.Wait()
	o.Elapsed = time.Since(start)
	o.Requests, o.Bytes = int64(len(o.Latencies)), bytes.Load()
	o.sort()
	return o, failed
}

func (l load) client(ctx context.Context, start time.Time, next, bytes *atomic.Int64) ([]time.Duration, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	in := bufio.NewReaderSize(conn, 64<<10)
	var latencies []time.Duration
	buffer := make([]byte, 0, 64<<10)
	for time.Since(start) < l.duration {
		n := next.Add(1)
		if l.count > 0 && n > l.count {
			break
		}
		e := l.make(n)
		began := time.Now()
		if buffer, err = send(conn, buffer[:0], e); err != nil {
			return latencies, err
		}
		got, err := receive(in, e)
		if err != nil {
			return latencies, fmt.Errorf("%s %s: %w", e.method, e.path, err)
		}
		latencies = append(latencies, time.Since(began))
		bytes.Add(e.bodyBytes + got)
	}
	return latencies, nil
}

// send writes a request, small ones in one piece.
func send(conn net.Conn, buffer []byte, e exchange) ([]byte, error) {
	buffer = append(buffer, e.method+" "+e.path+" HTTP/1.1\r\nHost: localhost\r\n"+e.header...)
	if e.method != "GET" {
		buffer = append(buffer, "Content-Length: "+strconv.FormatInt(e.bodyBytes, 10)+"\r\n"...)
	}
	buffer = append(buffer, "\r\n"...)
	if e.bodyBytes <= 16<<10 {
		buffer = append(buffer, e.body[:e.bodyBytes]...)
		_, err := conn.Write(buffer)
		return buffer, err
	}
	if _, err := conn.Write(buffer); err != nil {
		return buffer, err
	}
	for left := e.bodyBytes; left > 0; {
		n := min(left, int64(len(e.body)))
		if _, err := conn.Write(e.body[:n]); err != nil {
			return buffer, err
		}
		left -= n
	}
	return buffer, nil
}

// receive reads an answer and returns the length of its body.
func receive(in *bufio.Reader, e exchange) (int64, error) {
	status, length := 0, int64(0)
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if first {
			if _, err := fmt.Sscanf(text, "HTTP/1.1 %d", &status); err != nil {
				return 0, fmt.Errorf("%q: %w", text, err)
			}
			continue
		}
		if text == "" {
			break
		}
		switch name, value, _ := strings.Cut(text, ":"); {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.ParseInt(strings.TrimSpace(value), 10, 64); err != nil {
				return 0, err
			}
		case e.located != nil && strings.EqualFold(name, "Location"):
			e.located(strings.TrimSpace(value))
		}
	}
	if status != e.want {
		body := make([]byte, min(length, 500))
		_, err := io.ReadFull(in, body)
		return 0, errors.Join(fmt.Errorf("status %d: %s", status, body), err)
	}
	_, err := io.CopyN(io.Discard, in, length)
	return length, err
}
