package rpc

import (
	"context"
	"net/netip"
	"strings"

	"github.com/google/uuid"
	"github.com/holdfast-files/holdfast/internal/caller"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// Metadata by which a caller crosses from one process to the next.
const (
	headerAuthorization = "authorization"
	headerRequestID     = "x-request-id"
	headerViewerAddress = "x-viewer-address"
	headerForwardedFor  = "x-forwarded-for"
)

const maxRequestIDBytes = 128

// incoming returns ctx with the caller that the metadata of a call from the
// network tell of.
func (c *chain) incoming(ctx context.Context) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	return caller.With(ctx, caller.Caller{
		Authorization: first(md, headerAuthorization),
		RequestID:     requestID(first(md, headerRequestID)),
		Address:       c.address(ctx, md),
	})
}

// address returns the viewer's address when the peer may name it, else the
// peer's own. Nobody is on our loopback interface who comes by way of another
// machine, whatever that says.
//
// A load balancer among the trusted peers passes on whatever its clients say of
// themselves, and adds whom it has the call from as the last hop of
// X-Forwarded-For, which no service of ours sends. So that hop counts, and not
// what the call says else.
func (c *chain) address(ctx context.Context, md metadata.MD) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	addr, err := netip.ParseAddrPort(p.Addr.String())
	if err != nil {
		return ""
	}
	own := addr.Addr().Unmap().WithZone("")
	viewer := first(md, headerViewerAddress)
	if hops := md[headerForwardedFor]; len(hops) > 0 && !certified(p) {
		last := hops[len(hops)-1]
		viewer = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	}
	claimed, err := netip.ParseAddr(viewer)
	if err != nil || !c.trusted(own) && !certified(p) || caller.IsLocal(viewer) && !own.IsLoopback() {
		return own.String()
	}
	return claimed.Unmap().WithZone("").String()
}

// certified reports whether the peer has shown a certificate that was found
// good: it is one of our services then.
func certified(p *peer.Peer) bool {
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	return ok && len(info.State.VerifiedChains) > 0
}

func (c *chain) trusted(peer netip.Addr) bool {
	for _, p := range c.config.TrustedPeers {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// requestID returns id when it is fit for logs and headers, else a new one.
func requestID(id string) string {
	if id == "" || len(id) > maxRequestIDBytes {
		return uuid.NewString()
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return uuid.NewString()
		}
	}
	return id
}

// outgoing returns ctx with metadata that tell of its caller.
func outgoing(ctx context.Context) context.Context {
	c := caller.From(ctx)
	if c == (caller.Caller{}) {
		return ctx
	}
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok {
		md = metadata.MD{}
	}
	set(md, headerAuthorization, c.Authorization)
	set(md, headerRequestID, c.RequestID)
	set(md, headerViewerAddress, c.Address)
	return metadata.NewOutgoingContext(ctx, md)
}

func first(md metadata.MD, key string) string {
	if v := md[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func set(md metadata.MD, key, value string) {
	if value == "" {
		delete(md, key)
		return
	}
	md[key] = []string{value}
}
