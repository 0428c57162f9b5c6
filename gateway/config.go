package main

import (
	"github.com/holdfast-files/holdfast/gateway/rest"
	"github.com/holdfast-files/holdfast/gateway/transport"
	"github.com/holdfast-files/holdfast/internal/certificate"
	"github.com/holdfast-files/holdfast/internal/settings"
)

// config are the settings of the gateway.
type config struct {
	Listen   string `help:"Address for clients." default:"127.0.0.1:8080"`
	Auth     bool   `help:"Pass on the credentials of callers, which metadata asks for; implied by an address that is not loopback. Else only requests that no other web site can have made are answered, whoever makes them."`
	Metadata string `help:"The metadata service: HOST:PORT, or a gRPC target such as dns:///HOST:PORT." default:"127.0.0.1:9081"`
	Storage  string `help:"The storage service, likewise." default:"127.0.0.1:9083"`
	certificate.Settings
	rest.Pages
	rest.Bounds
	transport.Connections
	settings.Process
}

// open reports whether the gateway serves a service without identity.
func (c *config) open() bool { return !c.Auth && settings.IsLoopback(c.Listen) }

// Validate checks the settings.
func (c *config) Validate() error {
	var check settings.Check
	c.Settings.Check(&check, map[string]string{"listen": c.Listen})
	for flag, target := range map[string]string{"metadata": c.Metadata, "storage": c.Storage} {
		if target == "" {
			check.Failf(flag, "must not be empty")
		}
	}
	c.Connections.Check(&check)
	c.Pages.Check(&check)
	c.Bounds.Check(&check)
	c.Process.Check(&check)
	return check.Err()
}

// reads are the methods that are tried again when metadata is unavailable.
var reads = []string{
	"holdfast.metadata.v1.SpaceService/GetSpace",
	"holdfast.metadata.v1.SpaceService/ListSpaces",
	"holdfast.metadata.v1.FileService/GetFile",
	"holdfast.metadata.v1.FileService/LookupFile",
	"holdfast.metadata.v1.FileService/ListFiles",
	"holdfast.metadata.v1.FileService/ListRevisions",
	"holdfast.metadata.v1.FileService/GetRevision",
	"holdfast.metadata.v1.MemberService/GetMember",
	"holdfast.metadata.v1.MemberService/ListMembers",
	"holdfast.metadata.v1.KeyService/GetKey",
	"holdfast.metadata.v1.KeyService/ListKeys",
	"holdfast.metadata.v1.UploadService/GetUpload",
}
