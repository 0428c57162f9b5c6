// Command deploy synthesises an installation of Holdfast. The CDK command line
// runs it; see README.md.
package main

import (
	"fmt"
	"os"

	"github.com/aws/jsii-runtime-go"

	"github.com/holdfast-files/holdfast/deploy/config"
	"github.com/holdfast-files/holdfast/deploy/topology"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
}

// run reads the file named by the context value `config` (holdfast.json unless
// told otherwise) and writes a cloud assembly.
func run() (err error) {
	defer jsii.Close()
	// The construct library reports every mistake by panicking.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("synthesise: %v", p)
		}
	}()
	app := topology.NewApp("")
	path := "holdfast.json"
	if given, ok := app.Node().TryGetContext(jsii.String("config")).(string); ok {
		path = given
	}
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	topology.Guard(app, topology.Build(app, cfg), cfg)
	app.Synth(nil)
	return nil
}
