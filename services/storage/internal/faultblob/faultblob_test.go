package faultblob_test

import (
	"testing"

	"github.com/holdfast-files/holdfast/services/storage/blob"
	"github.com/holdfast-files/holdfast/services/storage/blob/blobtest"
	"github.com/holdfast-files/holdfast/services/storage/internal/faultblob"
)

func TestContract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return faultblob.New(t) })
}
