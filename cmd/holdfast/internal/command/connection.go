// Package command holds the client commands of holdfast, a struct with its
// flags for each.
package command

import (
	"fmt"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/api"
	"github.com/holdfast-files/holdfast/internal/fault"
	"github.com/holdfast-files/holdfast/internal/settings"
)

// Connection are the flags that say which space a command works on.
type Connection struct {
	Credential
	Server  string `help:"Server to talk to, http://127.0.0.1:8080 by default." default:"http://127.0.0.1:8080" placeholder:"URL" group:"Connection"`
	Space   string `help:"Space to work on; by default the one called default." default:"default" placeholder:"ID" group:"Connection"`
	Retries int    `help:"How often to repeat what failed in a way that may pass, 8 by default." default:"8" placeholder:"N" group:"Connection"`
}

// Credential are the flags that say who calls.
type Credential struct {
	Key     string `help:"API key or token to send; as a variable it stays out of the list of processes." placeholder:"KEY" group:"Connection"`
	KeyFile string `help:"File that holds it." placeholder:"FILE" group:"Connection"`
}

// Token returns the key or token, empty for none.
func (c Credential) Token() (string, error) {
	if c.Key != "" && c.KeyFile != "" {
		return "", fault.Invalidf("key-file", "excludes --key")
	}
	token, err := settings.ReadSecret(c.Key, c.KeyFile)
	if err != nil {
		return "", fault.Invalidf("key-file", "%v", err)
	}
	return token, nil
}

// Validate checks the flags.
func (c Connection) Validate() error {
	if _, err := c.open(1); err != nil {
		return fmt.Errorf("--%w", err) // it begins with the name of the flag
	}
	return nil
}

// open returns a client for so many calls at a time.
func (c Connection) open(connections int) (*api.Client, error) {
	token, err := c.Token()
	if err != nil {
		return nil, err
	}
	return api.New(api.Config{
		Server:      c.Server,
		Space:       c.Space,
		Token:       token,
		Connections: connections,
		Retries:     c.Retries,
	})
}
