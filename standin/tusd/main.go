// Command tusd is the tus project's own server, on a directory, for tests that
// compare: it answers at /files.
//
//	tusd -listen 127.0.0.1:1080 -data DIR
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:1080", "address")
	dir := flag.String("data", "tusd", "directory of the uploads, which must exist")
	maxSize := flag.Int64("max-size", 5<<40, "length of the longest upload, in bytes")
	flag.Parse()
	if err := serve(*listen, *dir, *maxSize); err != nil {
		fmt.Fprintln(os.Stderr, "tusd:", err)
		os.Exit(1)
	}
}

func serve(listen, dir string, maxSize int64) error {
	composer := handler.NewStoreComposer()
	filestore.New(dir).UseIn(composer)
	memorylocker.New().UseIn(composer)
	h, err := handler.NewHandler(handler.Config{BasePath: "/files/", StoreComposer: composer, MaxSize: maxSize})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/files", http.StripPrefix("/files", h))
	mux.Handle("/files/", http.StripPrefix("/files/", h))
	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}
