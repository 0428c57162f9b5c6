// Package openapi describes the REST contract: as OpenAPI 3.0 for programs and
// as a page for people. The page is made of the description alone and loads
// nothing.
package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

var (
	//go:embed openapi.json
	document []byte
	//go:embed page.html.tmpl
	pageText string
	//go:embed page.css
	style string
)

// Document returns the description, an OpenAPI 3.0 document in JSON. The bytes
// are shared and must not be changed.
func Document() []byte { return document }

// Page is the description as HTML.
type Page struct {
	// HTML is the page, in UTF-8.
	HTML []byte
	// Policy is the Content-Security-Policy under which it is to be shown: it
	// allows its own style and nothing else.
	Policy string
}

// NewPage renders the description. An error means that the description is not
// one of ours.
func NewPage() (Page, error) {
	contract, err := read(document)
	if err != nil {
		return Page{}, err
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return Page{}, fmt.Errorf("openapi: %w", err)
	}
	contract.Style = template.CSS(style) //nolint:gosec // our own file
	var html bytes.Buffer
	if err := page.Execute(&html, contract); err != nil {
		return Page{}, fmt.Errorf("openapi: %w", err)
	}
	sum := sha256.Sum256([]byte(style))
	return Page{
		HTML: html.Bytes(),
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}, nil
}
