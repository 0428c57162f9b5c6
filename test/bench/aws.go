package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// onAWS starts Holdfast in three processes on the stand-ins of S3 and DynamoDB.
// What the stand-ins use is not counted, here as in direct.
func onAWS(ctx context.Context, programs, dataDir string) (target, error) {
	standin, err := fleet.StartStandIn(ctx, programs, dataDir)
	if err != nil {
		return target{}, err
	}
	f, err := fleet.Start(ctx, fleet.Config{
		Mode: fleet.Three, Programs: programs, AWS: &standin.AWS, Flags: map[string]string{"log-level": "warn"},
	})
	if err != nil {
		return target{}, errors.Join(err, standin.Kill())
	}
	t := measured("Holdfast on S3 and DynamoDB", f)
	t.medium = true
	t.stop = func() error { return errors.Join(f.Stop(), standin.Kill()) }
	return t, nil
}

// direct moves the same bytes by the SDK alone to the same server of S3: what
// Holdfast costs on top is the difference. Its client is the process that is
// measured, for it does what gateway and storage do.
func direct(ctx context.Context, programs, dataDir string) (target, error) {
	program, err := buildDirect(ctx, dataDir)
	if err != nil {
		return target{}, err
	}
	standin, err := fleet.StartStandIn(ctx, programs, dataDir)
	if err != nil {
		return target{}, err
	}
	return target{
		name: "AWS SDK, straight to S3", medium: true, stop: standin.Kill,
		run: func(ctx context.Context, l load) (outcome, fleet.Usage, error) {
			return l.directly(ctx, program, standin.AWS)
		},
	}, nil
}

// buildDirect builds the program that moves bytes by the SDK, into dir.
func buildDirect(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "direct")
	root, err := fleet.Root()
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./direct")
	build.Dir, build.Env = filepath.Join(root, "standin"), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build direct: %w\n%s", err, out)
	}
	return program, nil
}

// directly has a load carried out by the program direct.
func (l load) directly(ctx context.Context, program string, aws fleet.AWS) (o outcome, used fleet.Usage, err error) {
	command := exec.CommandContext(ctx, program, "-s3="+aws.S3, "-bucket="+aws.Bucket, "-prefix="+l.prefix,
		"-write="+strconv.FormatBool(l.write), "-bytes="+strconv.FormatInt(l.bytes, 10), "-files="+strconv.FormatInt(max(l.files, 1), 10),
		"-clients="+strconv.Itoa(l.clients), "-duration="+l.duration.String(), "-count="+strconv.FormatInt(l.count, 10))
	command.Env = append(os.Environ(), aws.Environ()...)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil {
		return o, used, fmt.Errorf("direct: %w: %s", err, complaints.String())
	}
	state := command.ProcessState
	used.CPU = state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		used.PeakBytes = usage.Maxrss << 10
	}
	err = json.Unmarshal(out.Bytes(), &o)
	o.sort()
	return o, used, err
}
