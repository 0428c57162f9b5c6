// Command openapi writes the description of the REST contract: what can be
// told from the protos, in OpenAPI 2 as protoc-gen-openapiv2 writes it, joined
// with the calls that move bytes, which are described by hand.
//
//	go run ./tools/openapi -protos FILE -bytes FILE -out FILE
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v4"
)

func main() {
	protos := flag.String("protos", "", "what protoc-gen-openapiv2 wrote")
	byHand := flag.String("bytes", "", "the calls that move bytes, in OpenAPI 3")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := run(*protos, *byHand, *out); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

func run(protos, byHand, out string) error {
	told, err := fromProtos(protos)
	if err != nil {
		return err
	}
	document, err := described(byHand)
	if err != nil {
		return err
	}
	if err := join(document, told); err != nil {
		return err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	// What was joined is read again, so that its references are resolved within
	// the whole before it is checked.
	if document, err = openapi3.NewLoader().LoadFromData(text); err != nil {
		return err
	}
	if err := document.Validate(context.Background()); err != nil {
		return err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", " "); err != nil {
		return err
	}
	indented.WriteByte('\n')
	return os.WriteFile(out, indented.Bytes(), 0o644)
}

// described returns the document that is written by hand. Its references stay
// unresolved, since some lead to what the protos tell.
func described(file string) (*openapi3.T, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	document := new(openapi3.T)
	return document, json.Unmarshal(text, document)
}

// fromProtos returns the calls of the JSON resources.
func fromProtos(file string) (*openapi3.T, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var old openapi2.T
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, err
	}
	told, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, err
	}
	for _, item := range told.Paths.Map() {
		for method, operation := range item.Operations() {
			settle(method, operation)
		}
	}
	return told, nil
}

// settle makes an operation say what the gateway makes of it.
func settle(method string, operation *openapi3.Operation) {
	operation.Summary = strings.ReplaceAll(operation.Summary, "\n", " ")
	// A request id travels as the field Idempotency-Key.
	var kept openapi3.Parameters
	for _, parameter := range operation.Parameters {
		if parameter.Value == nil || parameter.Value.Name != "requestId" {
			kept = append(kept, parameter)
		}
	}
	operation.Parameters = kept
	if method != "GET" {
		operation.Parameters = append(operation.Parameters,
			&openapi3.ParameterRef{Ref: "#/components/parameters/IdempotencyKey"})
	}
	if strings.HasPrefix(operation.OperationID, "Create") {
		operation.Responses.Set("201", operation.Responses.Value("200"))
		operation.Responses.Delete("200")
	}
	operation.Responses.Set("default", &openapi3.ResponseRef{Ref: "#/components/responses/Error"})
}

// join adds to a document what is told by another: its schemas, tags and
// paths. An operation that both have takes any of the bodies and gives any of
// the answers.
func join(document, told *openapi3.T) error {
	document.Tags = append(document.Tags, told.Tags...)
	for name, schema := range told.Components.Schemas {
		if document.Components.Schemas[name] != nil {
			return fmt.Errorf("schema %s is described twice", name)
		}
		document.Components.Schemas[name] = schema
	}
	for path, item := range told.Paths.Map() {
		here := document.Paths.Value(path)
		if here == nil {
			document.Paths.Set(path, item)
			continue
		}
		for method, operation := range item.Operations() {
			both := here.GetOperation(method)
			if both == nil {
				here.SetOperation(method, operation)
				continue
			}
			widen(operation, both)
			here.SetOperation(method, operation)
		}
	}
	return nil
}

// widen lets an operation also do what another of the same path does, whose
// description and answers are those of both.
func widen(operation, by *openapi3.Operation) {
	operation.Description = by.Description
	operation.RequestBody.Value.Description = ""
	for mediaType, body := range by.RequestBody.Value.Content {
		operation.RequestBody.Value.Content[mediaType] = body
	}
	for status, response := range by.Responses.Map() {
		operation.Responses.Set(status, response)
	}
}
