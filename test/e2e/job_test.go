package e2e_test

import "testing"

// TestMainJob is what Holdfast is for, step by step.
func TestMainJob(t *testing.T) {
	each(t, func(t *testing.T, g *target) { job(t, g) })
}

// job runs every step; it can be run again on the same service.
func job(t *testing.T, g *target) {
	for name, step := range map[string]func(*testing.T, *target){
		"upload and download": upAndDown,
		"large file":          largeFile,
		"conditions":          conditions,
		"tree":                tree,
		"trash":               trash,
		"revisions":           revisions,
		"form":                form,
		"repeats":             repeats,
		"refusals":            refusals,
		"pages":               pages,
		"gRPC":                overGRPC,
		"client":              commandLine,
	} {
		t.Run(name, func(t *testing.T) { step(t, g) })
	}
}
