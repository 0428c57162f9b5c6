package openapi

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// document3 is as much of an OpenAPI 3.0 document as the page shows.
type document3 struct {
	Info struct{ Title, Description string }
	Tags []struct{ Name, Description string }

	Paths      map[string]pathItem
	Components struct {
		Schemas    map[string]schemaRef
		Parameters map[string]parameterRef
		Responses  map[string]responseRef
	}
}

type pathItem struct {
	Parameters                             []parameterRef
	Get, Put, Post, Patch, Delete, Options *operation
}

func (p pathItem) operation(method string) *operation {
	return map[string]*operation{
		"get": p.Get, "put": p.Put, "post": p.Post, "patch": p.Patch, "delete": p.Delete, "options": p.Options,
	}[method]
}

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Parameters                        []parameterRef
	RequestBody                       struct{ Content map[string]mediaType }
	Responses                         map[string]responseRef
}

type mediaType struct{ Schema schemaRef }

type parameterRef struct {
	Ref                   string `json:"$ref"`
	Name, In, Description string
}

type responseRef struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]mediaType
}

type schemaRef struct {
	Ref                       string `json:"$ref"`
	Type, Format, Description string
	Items                     *schemaRef
	OneOf                     []schemaRef
	Properties                map[string]schemaRef
}

func (d *document3) call(method, at string, item pathItem, o *operation) call {
	c := call{
		ID: o.OperationID, Method: strings.ToUpper(method), Path: at, Summary: o.Summary, Description: o.Description,
	}
	for _, p := range slices.Concat(item.Parameters, o.Parameters) {
		if p.Ref != "" {
			p = d.Components.Parameters[path.Base(p.Ref)]
		}
		c.Parameters = append(c.Parameters, parameter{Name: p.Name, In: p.In, Description: p.Description})
	}
	for _, name := range slices.Sorted(maps.Keys(o.RequestBody.Content)) {
		c.Bodies = append(c.Bodies, body{MediaType: name, Schema: o.RequestBody.Content[name].Schema.String()})
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		r := o.Responses[status]
		if r.Ref != "" {
			r = d.Components.Responses[path.Base(r.Ref)]
		}
		shown := response{Status: status, Description: r.Description}
		for _, content := range r.Content {
			shown.Schema = content.Schema.String()
		}
		c.Responses = append(c.Responses, shown)
	}
	return c
}

func (d *document3) schema(name string) schema {
	s := d.Components.Schemas[name]
	shown := schema{Name: name, Description: s.Description}
	for _, property := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[property]
		shown.Fields = append(shown.Fields, field{Name: property, Type: p.String(), Description: p.Description})
	}
	return shown
}

// String names a type as a reader would.
func (s schemaRef) String() string {
	switch {
	case s.Ref != "":
		return path.Base(s.Ref)
	case s.Items != nil:
		return "list of " + s.Items.String()
	case len(s.OneOf) > 0:
		var names []string
		for _, one := range s.OneOf {
			names = append(names, one.String())
		}
		return strings.Join(names, " or ")
	case s.Format != "":
		return s.Format
	case s.Type == "object" && len(s.Properties) > 0:
		return "{" + strings.Join(slices.Sorted(maps.Keys(s.Properties)), ", ") + "}"
	}
	return s.Type
}
