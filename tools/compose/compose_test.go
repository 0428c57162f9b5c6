// Package compose checks docker-compose.yml as Compose v2 reads it.
package compose

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func load(t *testing.T, files ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(files, cli.WithName("holdfast"), cli.WithDefaultProfiles("telemetry"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

const (
	file     = "../../docker-compose.yml"
	override = "../../test/containers/compose.yml"
)

func TestServices(t *testing.T) {
	project := load(t, file)
	names := project.ServiceNames()
	slices.Sort(names)
	if want := []string{"bootstrap", "gateway", "localstack", "metadata", "storage", "telemetry"}; !slices.Equal(names, want) {
		t.Errorf("services are %v, want %v", names, want)
	}
	for name, s := range project.Services {
		if _, tag, _ := strings.Cut(s.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s: image %s has no fixed version", name, s.Image)
		}
		if s.MemLimit == 0 {
			t.Errorf("%s: no limit on memory", name)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %d is published on %q", name, p.Target, p.HostIP)
			}
		}
		if s.Build != nil && (!s.ReadOnly || s.User != "65532:65532" || !slices.Contains(s.CapDrop, "ALL")) {
			t.Errorf("%s: read-only %v, user %q, without %v", name, s.ReadOnly, s.User, s.CapDrop)
		}
	}
}

// TestOrder: each waits for what it can't do without.
func TestOrder(t *testing.T) {
	project := load(t, file)
	for name, want := range map[string]string{
		"bootstrap": "localstack service_healthy", "metadata": "bootstrap service_completed_successfully",
		"storage": "metadata service_healthy", "gateway": "storage service_healthy",
	} {
		for on, d := range project.Services[name].DependsOn {
			if got := on + " " + d.Condition; got != want {
				t.Errorf("%s waits for %s, want %s", name, got, want)
			}
		}
		if len(project.Services[name].DependsOn) != 1 {
			t.Errorf("%s waits for %v", name, project.Services[name].DependsOn)
		}
	}
}

// TestOverride: the file for tests replaces LocalStack and nothing else.
func TestOverride(t *testing.T) {
	plain, tested := load(t, file), load(t, file, override)
	for name, s := range tested.Services {
		if was := plain.Services[name].Image; (s.Image != was) != (name == "localstack") {
			t.Errorf("%s is %s and was %s", name, s.Image, was)
		}
	}
}
