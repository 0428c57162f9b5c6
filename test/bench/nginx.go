package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-files/holdfast/internal/loopback"
)

const nginxConfig = `worker_processes 2;
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_max_body_size 0;
  client_body_temp_path %[1]s/temp;
  server {
    listen %[2]s;
    root %[1]s/files;
    location / { dav_methods PUT DELETE; create_full_put_path on; }
  }
}
`

// startNginx starts nginx with its DAV module, which does not sync what it writes.
func startNginx(ctx context.Context, dir string) (target, error) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		return target{}, errMissing
	}
	addresses, err := loopback.Free(1)
	if err != nil {
		return target{}, err
	}
	address := addresses[0]
	for _, d := range []string{dir, filepath.Join(dir, "files"), filepath.Join(dir, "temp")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return target{}, err
		}
		if err := os.Chmod(d, 0o777); err != nil {
			return target{}, err
		}
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		return target{}, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, address), 0o600); err != nil {
		return target{}, err
	}
	command := exec.CommandContext(ctx, program, "-c", config)
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		return target{}, err
	}
	t := target{
		name: "nginx DAV (no fsync)", address: address,
		put: func(name string, body []byte, size int64) exchange {
			return exchange{method: "PUT", path: "/" + name, body: body, bodyBytes: size, want: 201}
		},
		get: func(name string) exchange { return exchange{method: "GET", path: "/" + name, want: 200} },
		stop: func() error {
			if err := command.Process.Signal(syscall.SIGQUIT); err != nil {
				return err
			}
			return command.Wait()
		},
	}
	if err := awaitListener(ctx, address); err != nil {
		return target{}, err
	}
	t.pids = append(children(command.Process.Pid), command.Process.Pid)
	return t, nil
}

// awaitListener waits until somebody listens on an address.
func awaitListener(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// children returns the processes that a process has started.
func children(pid int) []int {
	var pids []int
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		list, err := os.ReadFile(task)
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(list)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
