// Package reach derives from synthesised templates, and from nothing else, who
// can open a connection to whom, where requests are forwarded and which role
// may do what to which data. It judges nothing: it prints facts, one a line,
// and a test compares them with a table that was read by people.
//
// Where CloudFormation leaves room it assumes the worst: a security group
// without egress rules lets everything out, address blocks that overlap are
// taken to meet, a group or policy that is kept elsewhere is taken to allow
// everything. Network ACLs, permission boundaries and conditions of grants, which
// only take away, are not relied on. What it has no model of, a kind of resource
// or a property, is a fact too, so that nothing goes by unseen.
package reach

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// World is all stacks of one installation.
type World struct {
	stacks map[string]*stack
	names  map[string]string // of managed prefix lists, by id

	kinds      map[string]string    // type of a resource, by canonical id
	parameters map[string]reference // what SSM parameters hold, by name
}

// reference is a value and the stack it is to be read in.
type reference struct {
	in    *stack
	value any
}

type stack struct {
	name      string // short: network, data, …
	region    string
	account   string
	resources map[string]resource
	params    map[string]any
	ids       map[string]string   // canonical id by logical id
	kinds     map[string][]string // logical ids by type, sorted
}

// resource is a resource as the template has it.
type resource struct {
	Type       string         `json:"Type"`
	Properties map[string]any `json:"Properties"`
}

// Load reads every template of the cloud assembly in dir. names says what the
// managed prefix lists are, which a template knows by id alone.
func Load(dir string, names map[string]string) (World, error) {
	w := World{stacks: map[string]*stack{}, names: names}
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return w, fmt.Errorf("read assembly: %w", err)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type        string `json:"type"`
			Environment string `json:"environment"`
			Properties  struct {
				TemplateFile string `json:"templateFile"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return w, fmt.Errorf("read assembly: %w", err)
	}
	for name, artifact := range manifest.Artifacts {
		if artifact.Type != "aws:cloudformation:stack" {
			continue
		}
		account, region, _ := strings.Cut(strings.TrimPrefix(artifact.Environment, "aws://"), "/")
		s := &stack{name: name[strings.LastIndex(name, "-")+1:], account: account, region: region}
		if err := s.read(filepath.Join(dir, artifact.Properties.TemplateFile)); err != nil {
			return w, err
		}
		w.stacks[s.name] = s
	}
	w.index()
	return w, nil
}

// index is how references are followed.
func (w *World) index() {
	w.kinds, w.parameters = map[string]string{}, map[string]reference{}
	for _, s := range w.stacks {
		for logical, r := range s.resources {
			w.kinds[s.ids[logical]] = r.Type
			if name, ok := r.Properties["Name"].(string); ok && r.Type == "AWS::SSM::Parameter" {
				w.parameters[name] = reference{s, r.Properties["Value"]}
			}
		}
	}
}

// kind is the type of the resource with the canonical id.
func (w World) kind(id string) string { return w.kinds[id] }

func (s *stack) read(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	var template struct {
		Resources  map[string]resource `json:"Resources"`
		Parameters map[string]any      `json:"Parameters"`
	}
	if err := json.Unmarshal(raw, &template); err != nil {
		return fmt.Errorf("read template %s: %w", path, err)
	}
	s.resources, s.params = template.Resources, template.Parameters
	s.nameResources()
	s.sortResources()
	return nil
}

var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// nameResources drops the hash CDK appends to logical ids, unless two would
// then be called the same.
func (s *stack) nameResources() {
	s.ids = map[string]string{}
	taken := map[string]int{}
	for id := range s.resources {
		taken[hash.ReplaceAllString(id, "")]++
	}
	for id := range s.resources {
		short := hash.ReplaceAllString(id, "")
		if taken[short] > 1 {
			short = id
		}
		s.ids[id] = s.name + "/" + short
	}
}

// sortResources lists the resources by type.
func (s *stack) sortResources() {
	s.kinds = map[string][]string{}
	for _, logical := range slices.Sorted(maps.Keys(s.resources)) {
		kind := s.resources[logical].Type
		s.kinds[kind] = append(s.kinds[kind], logical)
	}
}

// each calls f for every resource of the type, in a fixed order.
func (w World) each(kind string, f func(s *stack, id string, p properties)) {
	for _, name := range slices.Sorted(maps.Keys(w.stacks)) {
		s := w.stacks[name]
		for _, logical := range s.kinds[kind] {
			f(s, s.ids[logical], properties{w, s, s.resources[logical].Properties})
		}
	}
}

// Add is w with a resource more. Its id is the stack's name and logical.
func (w World) Add(stackName, logical, kind string, properties map[string]any) World {
	return w.with(stackName, logical, &resource{kind, properties})
}

// Change is w in which f has changed the properties of the resource called id,
// as facts call it. It panics if there is none.
func (w World) Change(id string, f func(properties map[string]any)) World {
	for name, s := range w.stacks {
		for logical, r := range s.resources {
			if s.ids[logical] == id {
				changed := clone(r.Properties).(map[string]any)
				f(changed)
				return w.with(name, logical, &resource{r.Type, changed})
			}
		}
	}
	panic("reach: no resource " + id)
}

// with is w with one resource replaced, or removed when r is nil.
func (w World) with(stackName, logical string, r *resource) World {
	old := w.stacks[stackName]
	changed := *old
	changed.resources = maps.Clone(old.resources)
	if r == nil {
		delete(changed.resources, logical)
	} else {
		changed.resources[logical] = *r
		if _, known := changed.ids[logical]; !known {
			changed.ids = maps.Clone(old.ids)
			changed.ids[logical] = stackName + "/" + logical
		}
	}
	changed.sortResources()
	stacks := maps.Clone(w.stacks)
	stacks[stackName] = &changed
	after := World{stacks: stacks, names: w.names}
	after.index()
	return after
}
