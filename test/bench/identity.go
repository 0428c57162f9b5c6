package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/holdfast-files/holdfast/test/fleet"
	"github.com/holdfast-files/holdfast/test/issuer"
)

// credential is how the callers of a load prove who they are.
type credential string

const (
	apiKey credential = "API key"
	token  credential = "token"
)

// identified starts Holdfast in one process with identity, whose callers bear a
// credential: small requests only, the bytes of large ones cost what they do
// without.
func identified(ctx context.Context, bears credential, programs, dataDir string) (target, error) {
	own, err := issuer.New()
	if err != nil {
		return target{}, err
	}
	bootstrap := rand.Text() + rand.Text()
	keyFile, jwks := filepath.Join(dataDir, "bootstrap"), filepath.Join(dataDir, "jwks.json")
	if err := errors.Join(os.WriteFile(keyFile, []byte(bootstrap), 0o600), own.Publish(jwks)); err != nil {
		return target{}, err
	}
	t, err := holdfast(ctx, fleet.One, programs, dataDir, map[string]string{
		"bootstrap-key-file": keyFile, "oidc-issuer": issuer.Name, "oidc-audience": issuer.Audience, "jwks-file": jwks,
	})
	if err != nil {
		return target{}, err
	}
	bearer := ""
	switch bears {
	case apiKey:
		var made struct{ Secret string }
		err = post(ctx, t.address, "keys", bootstrap, map[string]string{"scope": "WRITE"}, &made)
		bearer = made.Secret
	case token:
		err = post(ctx, t.address, "members", bootstrap, map[string]string{"principal": "user:bench", "role": "WRITER"}, new(struct{}))
		if err == nil {
			bearer, err = own.Token("bench", nil)
		}
	}
	if err != nil {
		return target{}, errors.Join(err, t.stop())
	}
	t.name += ", " + string(bears)
	t.smallOnly = true
	put, get := t.put, t.get
	field := "Authorization: Bearer " + bearer + "\r\n"
	t.put = func(name string, body []byte, size int64) exchange { return put(name, body, size).with(field) }
	t.get = func(name string) exchange { return get(name).with(field) }
	return t, nil
}

func (e exchange) with(field string) exchange {
	e.header += field
	return e
}

// post makes something in the space default.
func post(ctx context.Context, address, collection, bearer string, body any, made any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	url := "http://" + address + "/v1/spaces/default/" + collection
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // the bench's own
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", collection, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(made)
}
