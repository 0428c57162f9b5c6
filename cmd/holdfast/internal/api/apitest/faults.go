package apitest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Fault is something that happens to a request between client and server.
type Fault func(next http.Handler) http.Handler

type injected struct {
	method, path string
	skip         int
	fault        Fault
}

// Inject makes a fault happen to the next request that has the method and
// whose escaped path contains the text. Faults for the same request happen to
// one after the other.
func (s *Server) Inject(method, path string, fault Fault) { s.InjectAfter(0, method, path, fault) }

// InjectAfter is Inject for the request that comes after so many like it.
func (s *Server) InjectAfter(skip int, method, path string, fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &injected{method, path, skip, fault})
}

// wrap takes the fault that is due for a request.
func (s *Server) wrap(r *http.Request, next http.Handler) http.Handler {
	due := -1
	for i, f := range s.faults {
		switch {
		case f.method != r.Method || !strings.Contains(r.URL.EscapedPath(), f.path):
		case f.skip > 0:
			f.skip--
		case due < 0:
			due = i
		}
	}
	if due < 0 {
		return next
	}
	fault := s.faults[due].fault
	s.faults = append(s.faults[:due:due], s.faults[due+1:]...)
	return fault(next)
}

// Refuse answers with a reason, and with Retry-After when it is not empty,
// before the body is read.
func Refuse(reason, retryAfter string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			refuse(w, reason, "refused by the test")
		})
	}
}

// Answer answers as a proxy in between would, with a page of its own.
func Answer(status int) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<h1>"+strconv.Itoa(status)+"</h1>")
		})
	}
}

// Cut closes the connection after that many bytes of the request's body.
func Cut(bytes int64) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, bytes)
			panic(http.ErrAbortHandler)
		})
	}
}

// LoseAnswer lets the request happen and closes the connection instead of
// answering.
func LoseAnswer() Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&recorder{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		})
	}
}

// CutAnswer closes the connection after that many bytes of the answer's body,
// and runs then, when it is not nil.
func CutAnswer(bytes int, then func()) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := &recorder{header: http.Header{}, status: http.StatusOK}
			next.ServeHTTP(answer, r)
			answer.header.Set("Content-Length", strconv.Itoa(len(answer.body)))
			answer.body = answer.body[:min(bytes, len(answer.body))]
			answer.replay(w)
			_ = http.NewResponseController(w).Flush()
			if then != nil {
				then()
			}
			panic(http.ErrAbortHandler)
		})
	}
}

// Stall sends that many bytes of the answer's body, and then nothing until the
// client goes away.
func Stall(bytes int) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := &recorder{header: http.Header{}, status: http.StatusOK}
			next.ServeHTTP(answer, r)
			answer.header.Set("Content-Length", strconv.Itoa(len(answer.body)))
			answer.body = answer.body[:min(bytes, len(answer.body))]
			answer.replay(w)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
	}
}

// DamageAnswer changes the answer's body, and its length with it.
func DamageAnswer(change func(body []byte) []byte) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := &recorder{header: http.Header{}, status: http.StatusOK}
			next.ServeHTTP(answer, r)
			answer.body = change(append([]byte(nil), answer.body...))
			answer.header.Set("Content-Length", strconv.Itoa(len(answer.body)))
			answer.replay(w)
		})
	}
}

// DamageBody flips a bit in the first byte of the request's body.
func DamageBody() Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(&flipper{source: r.Body})
			next.ServeHTTP(w, r)
		})
	}
}

type flipper struct {
	source io.Reader
	done   bool
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.source.Read(p)
	if n > 0 && !f.done {
		p[0] ^= 1
		f.done = true
	}
	return n, err
}

// Announce calls reached when the request arrives and holds it until the
// client goes away.
func Announce(reached func()) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 1)
			reached()
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
	}
}

// Before runs something before the request happens.
func Before(do func()) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			do()
			next.ServeHTTP(w, r)
		})
	}
}

// Midway runs something after that many bytes of the request's body.
func Midway(bytes int64, do func()) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			head, err := io.ReadAll(io.LimitReader(r.Body, bytes))
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			do()
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader(string(head)), r.Body))
			next.ServeHTTP(w, r)
		})
	}
}
