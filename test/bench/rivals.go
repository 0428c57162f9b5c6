package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"github.com/holdfast-files/holdfast/test/fleet"
)

// startTusd starts tusd on a directory. A file is one request there too, a
// creation with all of its bytes; it is read at the URL that the server chose.
func startTusd(ctx context.Context, programs, dataDir string) (target, error) {
	server, err := fleet.StartTusd(ctx, programs, dataDir)
	if err != nil {
		return target{}, err
	}
	at, err := url.Parse(server.URL)
	if err != nil {
		return target{}, err
	}
	var places sync.Map // path by the name of the file
	return target{
		name: "tusd (no fsync)", address: at.Host, pids: []int{server.PID()}, stop: server.Kill,
		put: func(name string, body []byte, size int64) exchange {
			return exchange{
				method: "POST", path: at.Path, body: body, bodyBytes: size, want: 201,
				header: fmt.Sprintf("Tus-Resumable: 1.0.0\r\nUpload-Length: %d\r\nContent-Type: application/offset+octet-stream\r\n", size),
				located: func(location string) {
					if made, err := url.Parse(location); err == nil {
						places.Store(name, made.Path)
					}
				},
			}
		},
		get: func(name string) exchange {
			path, _ := places.Load(name)
			return exchange{method: "GET", path: fmt.Sprint(path), want: 200}
		},
	}, nil
}

// startVersitygw starts versitygw, a server of S3's protocol, on a directory. Its
// requests are signed, so they are the SDK's, whose own CPU is left out; it takes
// more of the machine than the other loads do.
func startVersitygw(ctx context.Context, programs, dataDir string) (target, error) {
	program, err := buildDirect(ctx, dataDir)
	if err != nil {
		return target{}, err
	}
	server, err := fleet.StartStandIn(ctx, programs, dataDir, "-control=")
	if err != nil {
		return target{}, err
	}
	t := target{name: "versitygw (no fsync), by the SDK", pids: []int{server.PID()}, stop: server.Kill}
	t.run = func(ctx context.Context, l load) (outcome, fleet.Usage, error) {
		before, err := t.used()
		if err != nil {
			return outcome{}, before, err
		}
		o, _, err := l.directly(ctx, program, server.AWS)
		if err != nil {
			return o, before, err
		}
		after, err := t.used()
		after.CPU -= before.CPU
		return o, after, err
	}
	return t, nil
}
