package pebbletable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// logger is Pebble's way to our log.
type logger struct {
	log *slog.Logger
	// fatal is told of what Pebble can't go on from.
	fatal func(error)
}

func (l logger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("pebble", slog.String("message", fmt.Sprintf(format, args...)))
	}
}

func (l logger) Errorf(format string, args ...any) {
	l.log.Error("pebble", slog.String("message", fmt.Sprintf(format, args...)))
}

// Fatalf must not return, as Pebble would go on with a state it has given up.
// A library must not end the process either: reads of what is durable are
// still right, and the owner of the table learns of the failure by Watch.
func (l logger) Fatalf(format string, args ...any) {
	l.fatal(fatalError(format, args))
	select {}
}

// fatalError keeps the cause among the arguments, for translate.
func fatalError(format string, args []any) error {
	message := fmt.Sprintf(format, args...)
	for _, a := range args {
		if cause, ok := a.(error); ok {
			return fmt.Errorf("pebble: %s: %w", message, cause)
		}
	}
	return errors.New("pebble: " + message)
}

// flushRetryPause holds Pebble up, lock and all, when a flush fails: it would
// try again at once, and for as long as the disk is full.
const flushRetryPause = 50 * time.Millisecond

// listener tells the log of what an operator should know, and flushed of each
// flush. Pebble calls it with its lock held: nothing here may call Pebble.
func listener(log *slog.Logger, flushed func()) *pebble.EventListener {
	l := &pebble.EventListener{
		BackgroundError: func(err error) {
			log.Error("metadata storage failed in the background; it is tried again", slog.Any("error", err))
			time.Sleep(flushRetryPause) //nolint:forbidigo // Pebble has no other way to be slowed down
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			log.Error("stored metadata is damaged", slog.String("file", i.Path), slog.Any("error", i.Details))
		},
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
			log.Warn("metadata commits wait for flushes or compactions", slog.String("reason", i.Reason))
		},
		WriteStallEnd: func() { log.Info("metadata commits go on") },
		FlushEnd: func(i pebble.FlushInfo) {
			if i.Err == nil {
				flushed()
			}
		},
	}
	l.EnsureDefaults(nil)
	return l
}
