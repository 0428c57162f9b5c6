// Package fleet runs the real programs of Holdfast for tests: in one process
// (`holdfast serve`) or as three, on free ports of the loopback interface, with
// a data directory that outlives them, so that they can be killed and started
// again.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-files/holdfast/internal/loopback"
	"github.com/holdfast-files/holdfast/test/authority"
)

// Mode is how the services run.
type Mode string

// Modes.
const (
	One   Mode = "one process"
	Three Mode = "three processes"
)

// startTimeout bounds how long programs may take until they are ready, which is a
// second or two on a machine that has nothing else to do.
const startTimeout = 2 * time.Minute

// Config says what to run.
type Config struct {
	Mode Mode
	// Programs is the folder of the built programs; see Build.
	Programs string
	// DataDir is where the data lie, on the embedded engines.
	DataDir string
	// AWS, when not nil, is what Three processes use instead.
	AWS *AWS
	// Flags are given to every program that knows them, by name without dashes.
	Flags map[string]string
	// TLS, when not nil, is what every program speaks and asks of the others: it
	// shows the certificate that is issued for its name.
	TLS *authority.Authority
	// Env is added to the environment of every program.
	Env []string
	// Log, when not nil, is where every program prints to, with nobody between;
	// its Output is empty then.
	Log *os.File
	// Within, when not empty, is the command that starts every program, such as
	// one that enters a namespace. It must become the program (exec).
	Within []string
}

// Fleet is a running service.
type Fleet struct {
	// URL is the address of the gateway, Metadata, Ledger, Storage and Inspect
	// are those of the gRPC doors. In one process the ledger has none.
	URL, Metadata, Ledger, Storage, Inspect string

	config   Config
	client   *http.Client
	programs []*Program // in the order of their start
}

// Crash kills all programs with SIGKILL, starts them again and waits until they
// are ready.
func (f *Fleet) Crash(ctx context.Context) error {
	for _, p := range f.programs {
		if err := p.Kill(); err != nil {
			return err
		}
	}
	for _, p := range f.programs {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return f.AwaitReady(ctx)
}

// Start starts the programs and waits until they are ready.
func Start(ctx context.Context, config Config) (*Fleet, error) {
	f, err := Launch(config)
	if err != nil {
		return nil, err
	}
	if err := f.AwaitReady(ctx); err != nil {
		return nil, errors.Join(err, f.Stop())
	}
	return f, nil
}

// Launch starts the programs.
func Launch(config Config) (*Fleet, error) {
	ports, err := loopback.Free(5)
	if err != nil {
		return nil, err
	}
	gateway, metadata, ledger, storage, inspect := ports[0], ports[1], ports[2], ports[3], ports[4]
	f := &Fleet{
		URL: "http://" + gateway, Metadata: metadata, Ledger: ledger, Storage: storage, Inspect: inspect, config: config,
		client: new(http.Client),
	}
	if config.TLS != nil {
		trusting, err := config.TLS.Client("")
		if err != nil {
			return nil, err
		}
		f.URL, f.client.Transport = "https://"+gateway, &http.Transport{TLSClientConfig: trusting}
	}
	if config.Mode == One {
		f.add("holdfast", "serve", "--listen="+gateway, "--metadata-listen="+metadata,
			"--storage-listen="+storage, "--inspect-listen="+inspect, "--data-dir="+config.DataDir)
	} else {
		records, blobs := config.engineFlags()
		f.add("metadata", append(records, "--listen="+metadata, "--ledger-listen="+ledger)...)
		f.add("storage", append(blobs, "--listen="+storage, "--inspect-listen="+inspect, "--ledger="+ledger)...)
		f.add("gateway", "--listen="+gateway, "--metadata="+metadata, "--storage="+storage)
	}
	for _, p := range f.programs {
		if err := p.Start(); err != nil {
			return nil, errors.Join(err, f.Stop())
		}
	}
	return f, nil
}

func (f *Fleet) add(name string, args ...string) {
	known := map[string][]string{
		"metadata": {"trash-retention", "blob-retention", "upload-lifetime", "upload-expiry", "max-open-uploads", "sweep-grace", "log-level"},
		"storage":  {"sweep-interval", "sweep-rate", "sweep-lease", "upload-memory", "commit-timeout", "log-level"},
		"gateway":  {"log-level", "auth", "cors-origins"},
	}
	edge := []string{"trusted-proxies", "address-connections"}
	identity := []string{
		"read-rate", "read-burst", "write-rate", "write-burst", "auth", "bootstrap-key-file", "oidc-issuer", "oidc-audience", "jwks-file", "oidc-admin-group", "audit-log",
	}
	known["metadata"] = append(known["metadata"], identity...)
	known["holdfast"] = append(append([]string{}, known["metadata"]...), known["storage"][:5]...)
	known["metadata"] = append(known["metadata"], "ledger-token-file")
	known["storage"] = append(known["storage"], "ledger-token-file")
	known["holdfast"] = append(append(known["holdfast"], "cors-origins"), edge...)
	known["gateway"] = append(known["gateway"], edge...)
	for _, flag := range known[name] {
		if value, ok := f.config.Flags[flag]; ok {
			args = append(args, "--"+flag+"="+value)
		}
	}
	if f.config.TLS != nil {
		cert, key := f.config.TLS.Files(name)
		args = append(args, "--tls-cert="+cert, "--tls-key="+key, "--tls-ca="+f.config.TLS.CA)
	}
	env := f.config.Env
	if f.config.AWS != nil {
		env = append(f.config.AWS.Environ(), env...)
	}
	f.programs = append(f.programs, &Program{
		Name: name, command: slices.Concat(f.config.Within, []string{filepath.Join(f.config.Programs, name)}, args), env: env,
		log: f.config.Log,
	})
}

// Programs returns the programs, in the order in which they depend on each other.
func (f *Fleet) Programs() []*Program { return f.programs }

// AwaitReady waits until the gateway and what is behind it answer.
func (f *Fleet) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		last = f.probe(ctx)
		if last == nil {
			return nil
		}
		for _, p := range f.programs {
			if p.Exited() {
				return fmt.Errorf("%s ended: %s", p.Name, p.Output())
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready in %v: %w", startTimeout, last)
		case <-tick.C:
		}
	}
}

// probe asks for something that all services take part in.
func (f *Fleet) probe(ctx context.Context) error {
	for _, path := range []string{"/readyz", "/v1/spaces/default/files?pageSize=1", "/v1/spaces/default/paths/no-such-file"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+path, nil)
		if err != nil {
			return err
		}
		resp, err := f.client.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("%s: %s", path, resp.Status)
		}
	}
	return nil
}

// Stop ends the programs in order, and returns an error for each that did not
// end well.
func (f *Fleet) Stop() error {
	var errs []error
	for i := len(f.programs) - 1; i >= 0; i-- {
		errs = append(errs, f.programs[i].Stop())
	}
	return errors.Join(errs...)
}

// Program is one program of a fleet.
type Program struct {
	Name    string
	command []string
	env     []string
	log     *os.File // nil to keep the end of it

	mu      sync.Mutex
	running *exec.Cmd
	output  *tail
	done    chan struct{}
	err     error
}

// Start starts the program, which must not be running.
func (p *Program) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	command := exec.Command(p.command[0], p.command[1:]...) //nolint:noctx // ended by Stop
	command.Env = append(Environ(), p.env...)
	p.output = new(tail)
	command.Stdout, command.Stderr = p.output, p.output
	if p.log != nil {
		command.Stdout, command.Stderr = p.log, p.log
	}
	command.SysProcAttr = endWithParent()
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.running, p.done = command, make(chan struct{})
	go func(done chan struct{}) {
		p.err = command.Wait()
		close(done)
	}(p.done)
	return nil
}

// Environ returns the environment without the settings of Holdfast: those of
// the test are not those of the programs that it starts.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, "HOLDFAST_") })
}

// PID returns the process id.
func (p *Program) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running.Process.Pid
}

// Kill ends the program with SIGKILL and waits until it is gone.
func (p *Program) Kill() error {
	if err := p.running.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// End sends the program a signal that ends it, and waits until it has. How it
// ends is not looked at.
func (p *Program) End(signal syscall.Signal) error {
	if err := p.running.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(time.Minute):
		return errors.Join(fmt.Errorf("%s did not end: %s", p.Name, p.Output()), p.Kill())
	}
}

// Exited reports whether the program has ended.
func (p *Program) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop ends the program with SIGTERM and returns an error unless it exits 0.
func (p *Program) Stop() error {
	if p.running == nil {
		return nil
	}
	if err := p.running.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		return errors.Join(fmt.Errorf("%s did not end: %s", p.Name, p.Output()), p.Kill())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.Name, p.err, p.Output())
	}
	return nil
}

// Output returns the last of what the program printed.
func (p *Program) Output() string {
	return p.output.String()
}
