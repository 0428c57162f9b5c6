// Package api is a client of Holdfast's REST contract for one space.
//
// Every call is repeated when it is safe to repeat and the failure may pass: a
// read as it is, a write under one Idempotency-Key so that it happens once.
// The waits grow, are jittered and honour Retry-After. Contents are verified
// by SHA-256 in both directions. Errors that carry a reason are *fault.Error.
package api
