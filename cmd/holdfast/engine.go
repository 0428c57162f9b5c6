package main

import (
	"errors"
	"log/slog"
	"math"
	"path/filepath"

	"github.com/holdfast-files/holdfast/internal/fault"
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

// open opens both engines, and makes what there is not; each locks its folder
// against other processes.
func (d dataDirectory) open(logger *slog.Logger) (engines, error) {
	return openEngines(d.settings(logger))
}

// openToInspect opens both engines where they are, and makes nothing. They put in
// order what a crash has left, and change nothing else by themselves.
// INVALID_ARGUMENT when one of them is not there.
func (d dataDirectory) openToInspect(logger *slog.Logger) (engines, error) {
	records, blobs := d.settings(logger)
	records.MustExist, records.PurgeInterval = true, math.MaxInt64
	blobs.MustExist, blobs.NoMaintenance = true, true
	e, err := openEngines(records, blobs)
	if errors.Is(err, fault.NotFound) {
		err = fault.Wrap(err, fault.Invalid.Reason, "--data-dir: %v", err)
	}
	return e, err
}

func (d dataDirectory) settings(logger *slog.Logger) (pebbletable.Config, diskblob.Config) {
	return pebbletable.Config{Dir: filepath.Join(d.DataDir, "metadata"), Logger: logger},
		diskblob.Config{Dir: filepath.Join(d.DataDir, "blobs"), Logger: logger}
}

func openEngines(ofRecords pebbletable.Config, ofBlobs diskblob.Config) (engines, error) {
	records, err := pebbletable.Open(ofRecords)
	if err != nil {
		return engines{}, err
	}
	blobs, err := diskblob.Open(ofBlobs)
	if err != nil {
		return engines{}, errors.Join(err, records.Close())
	}
	return engines{records: records, blobs: blobs}, nil
}

func (e engines) close() error { return errors.Join(e.blobs.Close(), e.records.Close()) }
