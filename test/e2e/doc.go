// Package e2e is the main job of Holdfast from the outside: real programs, plain
// HTTP, gRPC and the command-line client. It runs against one process and
// against three; with HOLDFAST_E2E_URL it runs against what is there, such as
// containers.
package e2e
