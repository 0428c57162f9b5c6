package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
	errorsv1 "github.com/holdfast-files/holdfast/proto/holdfast/errors/v1"
)

// handler answers one exchange. An error that it returns before it wrote
// anything is rendered as the answer; later ones cut the connection.
type handler func(x *exchange) error

// methods are those that routes know, in the order of Allow. HEAD is not among
// them: every GET has it.
var methods = [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// endpoint is what one path answers to.
type endpoint struct {
	pattern  string
	allow    string // value of the Allow field
	handlers [len(methods)]handler
	// override lets X-HTTP-Method-Override name the method.
	override bool
}

// handler returns what answers the method, nil when it is not allowed.
func (e *endpoint) handler(method string) handler {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i, m := range methods {
		if m == method {
			return e.handlers[i]
		}
	}
	return nil
}

// routes is a tree of path segments. Paths are matched in their escaped form
// and never cleaned: what is not spelled as a route is not that route.
type routes struct {
	literals map[string]*routes
	wildcard *routes
	verbs    map[string]*endpoint // custom methods on a wildcard, {x}:verb
	here     *endpoint
	below    *endpoint // everything further down, {path…}
}

// maxWildcards is how many ids a pattern has at most: space, file, revision.
const maxWildcards = 3

// params are the ids that a path holds, in order, and the escaped rest.
type params struct {
	ids  [maxWildcards]string
	n    int
	tail string
}

// add makes h answer the method at pattern, where "*" stands for one id,
// "*:verb" for a custom method on one, and a final "**" for the rest of the
// path. It panics when another handler does already.
func (t *routes) add(method, pattern string, h handler) {
	e := t.endpoint(pattern)
	for i, m := range methods {
		if m != method {
			continue
		}
		if e.handlers[i] != nil {
			panic(fmt.Sprintf("rest: %s %s has two handlers", method, pattern))
		}
		e.handlers[i] = h
	}
	e.allow = allowOf(e)
}

// endpoint returns the endpoint at pattern and makes it when there is none.
func (t *routes) endpoint(pattern string) *endpoint {
	for segment := range strings.SplitSeq(pattern[1:], "/") {
		name, verb, _ := strings.Cut(segment, ":")
		switch {
		case segment == "**":
			return orNew(&t.below, pattern)
		case name == "*" && verb != "":
			t = orNewRoutes(&t.wildcard)
			if t.verbs == nil {
				t.verbs = map[string]*endpoint{}
			}
			e := t.verbs[verb]
			orNew(&e, pattern)
			t.verbs[verb] = e
			return e
		case segment == "*":
			t = orNewRoutes(&t.wildcard)
		default:
			if t.literals == nil {
				t.literals = map[string]*routes{}
			}
			next := t.literals[segment]
			t.literals[segment] = orNewRoutes(&next)
			t = next
		}
	}
	return orNew(&t.here, pattern)
}

// find returns the endpoint at an escaped path, and the ids in it.
//
// Errors: INVALID_ARGUMENT for a path that is not in its only spelling (empty,
// "." and ".." segments, encoded slashes), NOT_FOUND for one that is no route.
func (t *routes) find(path string) (*endpoint, params, error) {
	var p params
	if path == "/" {
		return nil, p, noRoute()
	}
	for rest, more := strings.CutPrefix(path, "/"); ; {
		if t.below != nil && more {
			p.tail = rest
			return t.below, p, nil
		}
		if !more {
			break
		}
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		segment, err := plainSegment(segment)
		if err != nil {
			return nil, p, err
		}
		if next := t.literals[segment]; next != nil {
			t = next
			continue
		}
		if t = t.wildcard; t == nil {
			return nil, p, noRoute()
		}
		id, verb, custom := strings.Cut(segment, ":")
		p.ids[p.n] = id
		p.n++
		if custom {
			if e := t.verbs[verb]; e != nil && !more && id != "" {
				return e, p, nil
			}
			return nil, p, noRoute()
		}
	}
	if t.here == nil {
		return nil, p, noRoute()
	}
	return t.here, p, nil
}

func noRoute() error {
	return fault.New(errorsv1.Reason_REASON_NOT_FOUND, "there is nothing at this path; see /docs")
}

func allowOf(e *endpoint) string {
	var allowed []string
	for i, m := range methods {
		if e.handlers[i] == nil {
			continue
		}
		allowed = append(allowed, m)
		if m == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	return strings.Join(allowed, ", ")
}

func orNew(e **endpoint, pattern string) *endpoint {
	if *e == nil {
		*e = &endpoint{pattern: pattern}
	}
	return *e
}

func orNewRoutes(t **routes) *routes {
	if *t == nil {
		*t = &routes{}
	}
	return *t
}

// extend puts a handler around the one that answers the method at pattern.
func (t *routes) extend(method, pattern string, around func(next handler) handler) {
	e := t.endpoint(pattern)
	for i, m := range methods {
		if m == method {
			e.handlers[i] = around(e.handlers[i])
		}
	}
}

// Route is a path and the methods that it answers to.
type Route struct {
	// Pattern has "*" for an id and "**" for any further path.
	Pattern string
	// Allow is the value of the Allow field.
	Allow string
}

// Routes returns all routes, in the order of their patterns.
func (h *Handler) Routes() []Route {
	var all []Route
	h.routes.walk(func(e *endpoint) { all = append(all, Route{e.pattern, e.allow}) })
	slices.SortFunc(all, func(a, b Route) int { return strings.Compare(a.Pattern, b.Pattern) })
	return all
}

func (t *routes) walk(visit func(*endpoint)) {
	for _, e := range []*endpoint{t.here, t.below} {
		if e != nil {
			visit(e)
		}
	}
	for _, e := range t.verbs {
		visit(e)
	}
	for _, next := range t.literals {
		next.walk(visit)
	}
	if t.wildcard != nil {
		t.wildcard.walk(visit)
	}
}
