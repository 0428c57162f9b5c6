package settings

import (
	"os"
	"slices"
	"strings"
)

// minSecretChars is the length of the shortest secret that may be configured.
const minSecretChars = 32

// Secret checks a secret that is given by a flag, or in the file that a second
// flag, the first with -file, names. Neither needs to be.
func (c *Check) Secret(flag, value, file string) {
	if secret, ok := c.readSecret(flag, value, file); ok && len(secret) < minSecretChars {
		c.Failf(flag, "has fewer than %d characters", minSecretChars)
	}
}

// Secrets is Secret where several may be given, with white space between them:
// while a secret is changed, the old one counts beside the new one.
func (c *Check) Secrets(flag, value, file string) {
	secret, ok := c.readSecret(flag, value, file)
	if !ok {
		return
	}
	all := strings.Fields(secret)
	if len(all) == 0 || slices.ContainsFunc(all, func(s string) bool { return len(s) < minSecretChars }) {
		c.Failf(flag, "has fewer than %d characters", minSecretChars)
	}
}

// readSecret returns a secret, and whether one was asked for and could be read.
func (c *Check) readSecret(flag, value, file string) (string, bool) {
	if value != "" && file != "" {
		c.Failf(flag+"-file", "excludes --%s", flag)
		return "", false
	}
	secret, err := ReadSecret(value, file)
	if err != nil {
		c.Failf(flag+"-file", "%v", err)
		return "", false
	}
	return secret, value != "" || file != ""
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
