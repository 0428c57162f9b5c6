package settings

import (
	"os"
	"strings"
)

// minSecretChars is the length of the shortest secret that may be configured.
const minSecretChars = 32

// Secret checks a secret that is given by a flag, or in the file that a second
// flag, the first with -file, names. Neither needs to be.
func (c *Check) Secret(flag, value, file string) {
	if value != "" && file != "" {
		c.Failf(flag+"-file", "excludes --%s", flag)
		return
	}
	secret, err := ReadSecret(value, file)
	if err != nil {
		c.Failf(flag+"-file", "%v", err)
		return
	}
	if (value != "" || file != "") && len(secret) < minSecretChars {
		c.Failf(flag, "has fewer than %d characters", minSecretChars)
	}
}

// ReadSecret returns a secret that is given, or else what is in a file, without
// the white space around it; empty for neither.
func ReadSecret(value, file string) (string, error) {
	if file == "" {
		return strings.TrimSpace(value), nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
