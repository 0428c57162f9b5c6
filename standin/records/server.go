// Package records is a server of DynamoDB's protocol for tests: minidyn, which
// keeps the items and evaluates the expressions, behind a front that is as
// strict as DynamoDB where minidyn is not.
//
// The front refuses what is above DynamoDB's limits (100 writes and 4 MiB of a
// transaction, no item twice, 400 KB of an item), cuts pages at 1 MiB, lets
// transactions on one item conflict, recognises client tokens, serves reads
// without ConsistentRead from before the newest write, and adds integers
// exactly, which minidyn does in floating point. Its keys are binary.
//
// Every partition is a table of minidyn: minidyn looks at a whole table for a
// query and copies a whole table for a transaction.
package records

import (
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/truora/minidyn/server"
)

// Config says how strict the server is beyond DynamoDB's own limits.
type Config struct {
	// PageItems, when not 0, cuts pages that are larger.
	PageItems int
	// ConflictEvery, when not 0, lets each so many-th write conflict with
	// another that there is not.
	ConflictEvery int
}

// Server is the server. It keeps everything in memory.
type Server struct {
	config Config
	busy   inflight

	mu     sync.Mutex
	engine *server.Client
	tables map[string]*shape
	tokens tokens
	newest undo
	writes int
	used   units
}

// New returns a server without tables.
func New(c Config) *Server {
	return &Server{config: c, engine: server.NewClient(), tables: map[string]*shape{}, tokens: tokens{}}
}

// maxBody is what DynamoDB takes of a request.
const maxBody = 16 << 20

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if r.Method != http.MethodPost || !ok {
		http.Error(w, "not a request of DynamoDB", http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer(w, nil, invalid("the request is too large or was cut"))
		return
	}
	out, err := s.call(operation, body)
	answer(w, out, err)
}

func (s *Server) call(operation string, body []byte) (any, error) {
	switch operation {
	case "CreateTable":
		return with(body, s.createTable)
	case "DescribeTable":
		return with(body, s.describeTable)
	case "DescribeTimeToLive":
		return with(body, s.describeTTL)
	case "UpdateTimeToLive":
		return with(body, s.updateTTL)
	case "GetItem":
		return with(body, s.getItem)
	case "Query":
		return with(body, s.query)
	case "Scan":
		return with(body, s.scan)
	case "PutItem":
		return with(body, s.putItem)
	case "DeleteItem":
		return with(body, s.deleteItem)
	case "TransactWriteItems":
		return with(body, func(in *server.TransactWriteItemsInput) (any, error) { return s.transact(in, body) })
	}
	return nil, &fault{code: "UnknownOperationException", message: "no operation " + operation}
}

func with[In any](body []byte, operation func(*In) (any, error)) (any, error) {
	in := new(In)
	if err := json.Unmarshal(body, in); err != nil {
		return nil, &fault{code: "SerializationException", message: err.Error()}
	}
	return operation(in)
}

// answer writes what became of a request, in DynamoDB's form.
func answer(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
		var f *fault
		if !errors.As(err, &f) {
			status, f = http.StatusInternalServerError, &fault{code: "InternalServerError", message: err.Error()}
		}
		out = f.wire()
	}
	text, err := json.Marshal(out)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"__type":"InternalServerError"}`)
	}
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may have left
}
