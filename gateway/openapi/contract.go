package openapi

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

// contract is what the page shows of a description.
type contract struct {
	Style       template.CSS
	Title       string
	Description string
	Sections    []section
	Schemas     []schema
}

// section holds the calls of one tag.
type section struct {
	Name, Description string
	Calls             []call
}

// call is one method of one path.
type call struct {
	ID, Method, Path     string
	Summary, Description string
	Parameters           []parameter
	Bodies               []body
	Responses            []response
}

type parameter struct{ Name, In, Description string }

type body struct{ MediaType, Schema string }

type response struct{ Status, Description, Schema string }

type schema struct {
	Name, Description string
	Fields            []field
}

type field struct{ Name, Type, Description string }

// methods are in the order in which the page shows them.
var methods = []string{"get", "put", "post", "patch", "delete", "options"}

// read turns a description into what the page shows. Sections come in the order
// of the description's tags, calls in that of their paths.
func read(text []byte) (contract, error) {
	var d document3
	if err := json.Unmarshal(text, &d); err != nil {
		return contract{}, fmt.Errorf("openapi: the description: %w", err)
	}
	c := contract{Title: d.Info.Title, Description: d.Info.Description}
	place := map[string]int{}
	for _, tag := range d.Tags {
		place[tag.Name] = len(c.Sections)
		c.Sections = append(c.Sections, section{Name: strings.TrimSuffix(tag.Name, "Service"), Description: tag.Description})
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		item := d.Paths[path]
		for _, method := range methods {
			o := item.operation(method)
			if o == nil {
				continue
			}
			if len(o.Tags) == 0 {
				return contract{}, fmt.Errorf("openapi: %s %s has no tag", method, path)
			}
			i, known := place[o.Tags[0]]
			if !known {
				return contract{}, fmt.Errorf("openapi: %s %s has the unknown tag %s", method, path, o.Tags[0])
			}
			c.Sections[i].Calls = append(c.Sections[i].Calls, d.call(method, path, item, o))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		c.Schemas = append(c.Schemas, d.schema(name))
	}
	return c, nil
}
