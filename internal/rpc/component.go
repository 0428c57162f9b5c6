package rpc

import (
	"context"
	"net"

	"github.com/holdfast-files/holdfast/internal/lifecycle"
)

// Component returns the part of a process that serves s on lis.
func (s *Server) Component(lis net.Listener) lifecycle.Component {
	return lifecycle.Component{
		Name:  s.config.Name,
		Run:   func(context.Context) error { return s.Serve(lis) },
		Drain: s.Drain,
	}
}
