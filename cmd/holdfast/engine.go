package main

import (
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/holdfast-files/holdfast/services/metadata/table/pebbletable"
	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/diskblob"
)

// dataDirectory is where the embedded engines keep what they are given.
type dataDirectory struct {
	DataDir string `help:"Directory of the data: records in its folder metadata, bytes in its folder blobs." default:"data"`
}

// engines are the open embedded engines.
type engines struct {
	records *pebbletable.Table
	blobs   blob.Store
}

// open opens both engines; each locks its folder against other processes.
func (d dataDirectory) open(logger *slog.Logger) (engines, error) {
	records, err := pebbletable.Open(pebbletable.Config{Dir: filepath.Join(d.DataDir, "metadata"), Logger: logger})
	if err != nil {
		return engines{}, err
	}
	blobs, err := diskblob.Open(diskblob.Config{Dir: filepath.Join(d.DataDir, "blobs"), Logger: logger})
	if err != nil {
		return engines{}, errors.Join(err, records.Close())
	}
	return engines{records: records, blobs: blobs}, nil
}

func (e engines) close() error { return errors.Join(e.blobs.Close(), e.records.Close()) }
