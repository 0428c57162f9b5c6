package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Load reads the file at path, fills in what its stage implies and checks the
// result. An unknown field is an error: a misspelt setting must not be lost
// silently.
func Load(path string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	var head struct {
		Stage Stage `json:"stage"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	c := defaults(head.Stage)
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.complete(filepath.Dir(path)); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return c, nil
}

// complete derives what follows from the rest: zones and prefix lists from the
// region, paths and files relative to dir.
func (c *Config) complete(dir string) error {
	if len(c.Zones) == 0 {
		c.Zones = []string{c.Region + "a", c.Region + "b"}
	}
	known := managedPrefixLists[c.Region]
	c.PrefixLists.CloudFront = or(c.PrefixLists.CloudFront, known.CloudFront)
	c.PrefixLists.S3 = or(c.PrefixLists.S3, known.S3)
	c.PrefixLists.DynamoDB = or(c.PrefixLists.DynamoDB, known.DynamoDB)
	if c.Images.Source != "" && !filepath.IsAbs(c.Images.Source) {
		c.Images.Source = filepath.Join(dir, c.Images.Source)
	}
	if c.Identity.JWKSFile == "" {
		return nil
	}
	path := c.Identity.JWKSFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("identity.jwksFile: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return fmt.Errorf("identity.jwksFile: %w", err)
	}
	c.Identity.JWKS = compact.String()
	return nil
}

func or(value, fallback string) string {
	if value != "" {
		return value
	}
	return fallback
}
