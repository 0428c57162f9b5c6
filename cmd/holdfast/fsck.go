package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/holdfast-files/holdfast/cmd/holdfast/internal/command"
	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/certificate"
	"github.com/holdfast-files/holdfast/internal/logging"
	"github.com/holdfast-files/holdfast/internal/rpc"
	ledgerv1 "github.com/holdfast-files/holdfast/proto/holdfast/ledger/v1"
	metadata "github.com/holdfast-files/holdfast/services/metadata/server"
	storage "github.com/holdfast-files/holdfast/services/storage/server"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
)

// fsckCommand compares every record with every blob, in a data directory that
// no service has open, or through the inspection listener of one that runs.
type fsckCommand struct {
	Inspect string `help:"Inspection address of a running service, instead of a data directory." placeholder:"HOST:PORT"`
	Deep    bool   `help:"Read every byte and compare digests."`
	Repair  bool   `help:"Mend what can be mended without loss."`
	JSON    bool   `help:"Print a JSON object per line: findings, then the summary." name:"json"`
	TLSCA   string `name:"tls-ca" help:"File of the CAs of that service, in PEM; with it it is reached by TLS." placeholder:"FILE" group:"Connection"`
	command.Credential
	dataDirectory
	metadata.Retention
	storage.Limits
}

// errFindings tells that something is wrong with the data.
var errFindings = errors.New("the data is not sound")

// Run inspects and prints what it finds.
func (c *fsckCommand) Run(ctx context.Context) error {
	client, closeClient, err := c.connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.inspect(ctx, client, os.Stdout), closeClient())
}

// connect reaches the inspection of a running service, or opens the data
// directory and inspects it in this process.
func (c *fsckCommand) connect(ctx context.Context) (inspection, func() error, error) {
	logger := logging.New(os.Stderr, nil)
	if c.Inspect != "" {
		return c.dial(logger)
	}
	e, err := c.openToInspect(logger)
	if err != nil {
		return nil, nil, err
	}
	records, err := metadata.New(ctx, metadata.Config{Table: e.records, Logger: logger, Retention: c.Retention})
	if err == nil {
		err = records.Start(ctx, "")
	}
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	inside := rpc.NewLocal(rpc.Config{
		Logger: logger, Name: "ledger", Unary: records.LedgerDispatcher(metadata.SameProcess),
	})
	records.RegisterLedger(inside)
	bytes := storage.New(storage.Config{
		Blobs: e.blobs, Ledger: ledgerv1.NewLedgerServiceClient(inside), Logger: logger, Limits: c.Limits,
	})
	return bytes.Inspector().Inspect, e.close, nil
}

// dial reaches the inspection of a running service, as an administrator of it
// where that asks who calls.
func (c *fsckCommand) dial(logger *slog.Logger) (inspection, func() error, error) {
	token, err := c.Token()
	if err != nil {
		return nil, nil, fmt.Errorf("--%w", err) // it begins with the name of the flag
	}
	peers, err := certificate.Settings{TLSCA: c.TLSCA}.Client(logger)
	if err != nil {
		return nil, nil, fmt.Errorf("--tls-ca: %w", err)
	}
	conn, err := rpc.Dial(c.Inspect, rpc.DialConfig{TLS: peers})
	if err != nil {
		return nil, nil, err
	}
	return remoteInspection{ledgerv1.NewInspectionServiceClient(conn), token}.inspect, conn.Close, nil
}

// inspection is what InspectionService does, wherever it runs.
type inspection func(
	ctx context.Context, req *ledgerv1.InspectRequest, report func(*ledgerv1.Finding) error,
) (*ledgerv1.InspectSummary, error)

type remoteInspection struct {
	client ledgerv1.InspectionServiceClient
	token  string // empty for none
}

func (r remoteInspection) inspect(
	ctx context.Context, req *ledgerv1.InspectRequest, report func(*ledgerv1.Finding) error,
) (*ledgerv1.InspectSummary, error) {
	if r.token != "" {
		ctx = caller.With(ctx, caller.Caller{Authorization: "Bearer " + r.token})
	}
	stream, err := r.client.Inspect(ctx, req)
	if err != nil {
		return nil, err
	}
	return received(stream, report)
}

func received(
	stream grpc.ServerStreamingClient[ledgerv1.InspectResponse], report func(*ledgerv1.Finding) error,
) (*ledgerv1.InspectSummary, error) {
	for {
		message, err := stream.Recv()
		if err != nil {
			return nil, err
		}
		if message.GetSummary() != nil {
			return message.GetSummary(), nil
		}
		if err := report(message.GetFinding()); err != nil {
			return nil, err
		}
	}
}

func (c *fsckCommand) inspect(ctx context.Context, inspect inspection, out io.Writer) error {
	unmended := 0
	req := &ledgerv1.InspectRequest{Deep: c.Deep, Repair: c.Repair}
	summary, err := inspect(ctx, req, func(f *ledgerv1.Finding) error {
		if !f.GetRepaired() {
			unmended++
		}
		return c.print(out, &ledgerv1.InspectResponse{Payload: &ledgerv1.InspectResponse_Finding{Finding: f}})
	})
	if err != nil {
		return err
	}
	err = c.print(out, &ledgerv1.InspectResponse{Payload: &ledgerv1.InspectResponse_Summary{Summary: summary}})
	if err == nil && unmended > 0 {
		err = errFindings
	}
	return err
}

func (c *fsckCommand) print(out io.Writer, message *ledgerv1.InspectResponse) error {
	if c.JSON {
		line, err := protojson.Marshal(message)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", line)
		return err
	}
	if f := message.GetFinding(); f != nil {
		mended := ""
		if f.GetRepaired() {
			mended = " (mended)"
		}
		_, err := fmt.Fprintf(out, "%s %s: %s%s\n", f.GetKind(), f.GetName(), f.GetDetail(), mended)
		return err
	}
	s := message.GetSummary()
	_, err := fmt.Fprintf(out, "%d records, %d revisions, %d blobs, %d jobs waiting, %d bytes verified: %d findings\n",
		s.GetRecordCount(), s.GetRevisionCount(), s.GetBlobCount(), s.GetPendingCount(), s.GetVerifiedBytes(), s.GetFindingCount())
	return err
}
