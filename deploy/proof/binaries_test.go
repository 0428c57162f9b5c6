package proof

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-files/holdfast/deploy/contract"
)

// container is the first container of a service's task.
func (in installation) container(t *testing.T, service string) map[string]any {
	t.Helper()
	for _, r := range in.of("AWS::ECS::TaskDefinition") {
		if c := at(r.Properties, "ContainerDefinitions", 0); at(c, "Name") == service {
			return c.(map[string]any)
		}
	}
	t.Fatalf("no container %s", service)
	return nil
}

// arguments are a container's flags, with references by name.
func arguments(c map[string]any) []string {
	var all []string
	for _, v := range c["Command"].([]any) {
		text, ok := v.(string)
		if !ok {
			text = fmt.Sprint(at(v, "Fn::Join", 1, 0)) + "reference"
		}
		all = append(all, text)
	}
	return all
}

// TestContainersKeepTheContract compares flags, ports and variables of the
// templates with the contract.
func TestContainersKeepTheContract(t *testing.T) {
	for name, in := range installations {
		host := func(service string) string { return service + "." + string(in.cfg.Stage) + ".holdfast.internal" }
		identity := contract.Identity{Issuer: in.cfg.Identity.Issuer, Audience: in.cfg.Identity.Audience, Discovery: name == "issuer"}
		secrets := []string{contract.BootstrapKeyVariable, contract.GrantKeyVariable, contract.JWKSVariable, contract.LedgerTokenVariable}
		var origins []string
		if name == "settled" {
			identity.GroupsClaim, identity.AdminGroup = "cognito:groups", "files-admins"
			origins = []string{"https://app.example.com", "http://localhost:5173"}
			secrets = secrets[1:]
		}
		if identity.Discovery {
			secrets = slices.DeleteFunc(secrets, func(s string) bool { return s == contract.JWKSVariable })
		}
		tests := []struct {
			service string
			flags   []string
			ports   []int
			secrets []string
		}{
			{"metadata", contract.MetadataFlags("reference", identity, in.cfg.Data.RecoveryDays+1, in.cfg.CIDR), []int{contract.MetadataPort, contract.LedgerPort}, secrets},
			{"storage", contract.StorageFlags("reference", host("metadata"), in.cfg.Services.UploadMemoryMiB, in.cfg.CIDR), []int{contract.StoragePort}, []string{contract.LedgerTokenVariable}},
			{"gateway", contract.GatewayFlags(host("metadata"), host("storage"), in.cfg.CIDR, origins), []int{contract.GatewayPort}, nil},
		}
		for _, test := range tests {
			c := in.container(t, test.service)
			if got := arguments(c); !slices.Equal(got, test.flags) {
				t.Errorf("%s %s is started with\n%v\nwant\n%v", name, test.service, got, test.flags)
			}
			var ports []int
			for _, mapping := range c["PortMappings"].([]any) {
				ports = append(ports, int(at(mapping, "ContainerPort").(float64)))
			}
			if !slices.Equal(ports, test.ports) {
				t.Errorf("%s %s listens on %v, want %v", name, test.service, ports, test.ports)
			}
			var injected []string
			list, _ := c["Secrets"].([]any)
			for _, secret := range list {
				injected = append(injected, at(secret, "Name").(string))
			}
			slices.Sort(injected)
			if !slices.Equal(injected, test.secrets) {
				t.Errorf("%s %s is given %v, want %v", name, test.service, injected, test.secrets)
			}
		}
	}
}

// TestBinariesAcceptTheirFlags starts the real processes with exactly the
// flags, variables and secrets of production templates, waits until each
// listens on its ports, and asks for its health as the container does. Table
// and bucket are those of a stand-in for AWS. HOLDFAST_BIN is a directory with
// metadata, storage, gateway, holdfast and standin; `make test` builds them
// there.
func TestBinariesAcceptTheirFlags(t *testing.T) {
	dir := os.Getenv("HOLDFAST_BIN")
	if dir == "" {
		t.Skip("HOLDFAST_BIN names no directory with the binaries of the services")
	}
	for _, name := range []string{"prod", "settled"} {
		t.Run(name, func(t *testing.T) { acceptTheirFlags(t, dir, installations[name]) })
	}
}

func acceptTheirFlags(t *testing.T, dir string, in installation) {
	t.Helper()
	aws := stores(t, dir, in.cfg.Region)
	for _, service := range []string{"metadata", "storage", "gateway"} {
		t.Run(service, func(t *testing.T) {
			c := in.container(t, service)
			env := append(environment(c, in.cfg.Identity.JWKS), aws...)
			p := start(t, filepath.Join(dir, service), loopback(arguments(c)), env)
			for _, mapping := range c["PortMappings"].([]any) {
				p.listens(t, int(at(mapping, "ContainerPort").(float64)))
			}
			// CMD is run without a shell; in the image the binary is at the root.
			check := at(c, "HealthCheck", "Command").([]any)
			if at(check, 0) != "CMD" || at(check, 1) != "/"+service {
				t.Fatalf("health is asked by %v", check)
			}
			var words []string
			for _, word := range check[2:] {
				words = append(words, word.(string))
			}
			p.healthy(t, filepath.Join(dir, service), words)
		})
	}
}

// process is one that was started.
type process struct {
	ended  chan struct{}
	err    error // when ended
	output *strings.Builder
}

// start starts a process that ends with the test.
func start(t *testing.T, binary string, flags, env []string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, binary, flags...) //nolint:gosec // whoever runs the test says what to run
	p := &process{ended: make(chan struct{}), output: new(strings.Builder)}
	cmd.Env, cmd.Stdout, cmd.Stderr = env, p.output, p.output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

// patience bounds what a process may take to be there; it takes a second on a
// machine that has nothing else to do.
const patience = 2 * time.Minute

// until tries until it works, the process ends or patience does.
func (p *process) until(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("%s: ended: %v\n%s", what, p.err, p.output)
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-pause.C:
		}
	}
}

// listens waits until something accepts connections on the port.
func (p *process) listens(t *testing.T, port int) {
	t.Helper()
	p.until(t, fmt.Sprint("listens on ", port), func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// healthy waits until the health check succeeds.
func (p *process) healthy(t *testing.T, binary string, words []string) {
	t.Helper()
	p.until(t, "is healthy", func(ctx context.Context) error {
		out, err := exec.CommandContext(ctx, binary, words...).CombinedOutput() //nolint:gosec // as above
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// loopback keeps a process that is only tried out off the network.
func loopback(flags []string) []string {
	for i := range flags {
		flags[i] = strings.Replace(flags[i], "=0.0.0.0:", "=127.0.0.1:", 1)
	}
	return flags
}

// stores starts a stand-in for AWS with the table and the bucket that arguments
// name, and returns the variables by which the AWS SDK finds them.
func stores(t *testing.T, dir, region string) []string {
	t.Helper()
	const secret = "testtesttest"
	addresses := freeAddresses(t, 2)
	env := []string{
		"AWS_REGION=" + region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=" + secret, "HOME=" + os.TempDir(),
		"AWS_ENDPOINT_URL_S3=http://" + addresses[0], "AWS_ENDPOINT_URL_DYNAMODB=http://" + addresses[1],
	}
	flags := []string{"-s3=" + addresses[0], "-dynamodb=" + addresses[1], "-region=" + region, "-secret-key=" + secret, "-data=" + t.TempDir()}
	p := start(t, filepath.Join(dir, "standin"), flags, env)
	p.until(t, "table and bucket are made", func(ctx context.Context) error {
		bootstrap := exec.CommandContext(ctx, filepath.Join(dir, "holdfast"), "bootstrap", "--table=reference", "--bucket=reference", "--timeout=1m") //nolint:gosec // as below
		bootstrap.Env = env
		out, err := bootstrap.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return env
}

// freeAddresses returns addresses that nobody listens on. Their ports are below
// those that Linux gives to whoever asks for any, who could get one before the
// program that it is meant for, and above those of the other modules' tests.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	var addresses []string
	for port := 32_000; port < 32_768 && len(addresses) < n; port++ {
		lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		addresses = append(addresses, lis.Addr().String())
		if err := lis.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(addresses) < n {
		t.Fatal("no port is free")
	}
	return addresses
}

// environment is the container's, with values for secrets.
func environment(c map[string]any, jwks string) []string {
	var env []string
	for _, v := range c["Environment"].([]any) {
		env = append(env, fmt.Sprint(at(v, "Name"), "=", at(v, "Value")))
	}
	list, _ := c["Secrets"].([]any)
	for _, secret := range list {
		value := strings.Repeat("s3cr3t0x", 8)
		if at(secret, "Name") == contract.JWKSVariable {
			value = jwks
		}
		env = append(env, fmt.Sprint(at(secret, "Name"), "=", value))
	}
	return env
}
