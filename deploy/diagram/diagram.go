// Package diagram draws an installation as a Mermaid graph from what the
// prover derived from its templates. It knows no more than that, so it can't
// show a connection that isn't there, nor leave one out.
package diagram

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	connect = regexp.MustCompile(`^connect (.+) -> (.+) :(\S+)$`)
	forward = regexp.MustCompile(`^forward edge \* (\S+) behind (\S+) -> (\S+) (\S+)`)
	place   = regexp.MustCompile(`^place (\S+) in ([A-Za-z]+)/`)
	data    = regexp.MustCompile(`^data (\S+) may .* in (\S+)$`)
)

// Mermaid draws facts.
func Mermaid(facts []string) string {
	g := graph{zones: map[string][]string{}, labels: map[string]string{}, edges: map[string][]string{}}
	for _, fact := range facts {
		g.add(fact)
	}
	return g.String()
}

type graph struct {
	zones  map[string][]string // nodes by subnet tier; "" is outside the VPC
	labels map[string]string
	edges  map[string][]string // ports by "from to"
	stores []string
}

func (g *graph) add(fact string) {
	if m := forward.FindStringSubmatch(fact); m != nil {
		g.edge("users", "edge", strings.TrimSuffix(m[1], "-only"))
		g.edge("edge", "cloudfront", "") // from its own addresses
		g.labels["edge"] = "edge<br/>CloudFront behind the " + strings.ToLower(m[2][strings.LastIndex(m[2], "/")+1:])
		g.labels["cloudfront"] = "CloudFront's addresses<br/>with the proof of origin"
	}
	if m := place.FindStringSubmatch(fact); m != nil {
		g.node(m[2], group(m[1]))
	}
	if m := connect.FindStringSubmatch(fact); m != nil {
		g.edge(group(m[1]), group(m[2]), ":"+m[3])
	}
	if m := data.FindStringSubmatch(fact); m != nil {
		service := map[string]string{"data/Blobs": "s3", "data/Records": "dynamodb"}[m[2]]
		g.labels[service] = service + "<br/>" + m[2]
		g.stores = append(g.stores, service)
		// Who may use the data, as opposed to who can reach the service.
		g.edge(m[1], service, "reads, writes")
	}
}

// group draws the endpoints of AWS services as one node, and "wearers of
// network/Clients" as clients.
func group(name string) string {
	if strings.HasPrefix(name, "endpoint:") {
		return "endpoints"
	}
	if group, ok := strings.CutPrefix(name, "wearers of "); ok {
		return strings.ToLower(group[strings.LastIndex(group, "/")+1:])
	}
	return name
}

func (g *graph) node(zone, name string) {
	if !slices.Contains(g.zones[zone], name) {
		g.zones[zone] = append(g.zones[zone], name)
	}
}

func (g *graph) edge(from, to, label string) {
	key := from + " " + to
	if label != "" && !slices.Contains(g.edges[key], label) {
		g.edges[key] = append(g.edges[key], label)
	} else if g.edges[key] == nil {
		g.edges[key] = []string{}
	}
}

func (g *graph) String() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, zone := range slices.Sorted(maps.Keys(g.zones)) {
		fmt.Fprintf(&b, "  subgraph %s[%s subnets]\n", zone, zone)
		for _, name := range slices.Sorted(slices.Values(g.zones[zone])) {
			fmt.Fprintf(&b, "    %s\n", g.box(name))
		}
		b.WriteString("  end\n")
	}
	for _, name := range slices.Sorted(maps.Keys(g.labels)) {
		if slices.Contains(g.stores, name) {
			fmt.Fprintf(&b, "  %s[(%q)]\n", id(name), g.labels[name])
			continue
		}
		fmt.Fprintf(&b, "  %s\n", g.box(name))
	}
	for _, key := range slices.Sorted(maps.Keys(g.edges)) {
		from, to, _ := strings.Cut(key, " ")
		labels := g.edges[key]
		if slices.Contains(labels, "reads, writes") {
			fmt.Fprintf(&b, "  %s ==>|%s| %s\n", id(from), strings.Join(labels, " "), id(to))
		} else if len(labels) > 0 {
			fmt.Fprintf(&b, "  %s -->|%s| %s\n", id(from), strings.Join(labels, " "), id(to))
		} else {
			fmt.Fprintf(&b, "  %s --> %s\n", id(from), id(to))
		}
	}
	return b.String()
}

func (g *graph) box(name string) string {
	if label, ok := g.labels[name]; ok {
		return fmt.Sprintf("%s[%q]", id(name), label)
	}
	return fmt.Sprintf("%s[%s]", id(name), name)
}

// id is a name as Mermaid takes it.
func id(name string) string { return strings.NewReplacer("-", "_", ".", "_", "/", "_").Replace(name) }
