package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/telemetry"
)

// serveCmd is `daybook serve`. Its fields are the settings of a server.
type serveCmd struct {
	Dev bool `help:"Development: loopback only, no authentication."`
	logFlags
	clusterFlags
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to serve HTTP on; port 0 picks a free one (default: ${default})."`

	TrustedNetwork string `name:"trusted-network" placeholder:"CIDR,…" help:"Private networks in which everybody may do everything, for there is no authentication: listeners may stand in them, and connections from elsewhere are closed."`

	NATS           string `name:"nats" placeholder:"URL,…" help:"Distribute events through these NATS servers (nats://host:4222) instead of the one in the process."`
	NATSCredential string `name:"nats-credentials" placeholder:"FILE" type:"path" help:"Credentials for these servers: a user's JWT and seed."`
	NATSCA         string `name:"nats-ca" placeholder:"FILE" type:"path" help:"Certificates (PEM) that those of these servers are signed by."`
	NATSCert       string `name:"nats-cert" placeholder:"FILE" type:"path" help:"Certificate (PEM) to show to these servers."`
	NATSKey        string `name:"nats-key" placeholder:"FILE" type:"path" help:"Key (PEM) of that certificate."`
	NATSReplicas   int    `name:"nats-replicas" default:"1" help:"How many of these servers keep each event."`

	NATSListen string        `name:"nats-listen" placeholder:"ADDR" help:"Let outside programs subscribe to events on this address."`
	NATSMaxAge time.Duration `name:"nats-max-age" default:"168h" help:"How long NATS keeps events for subscribers. The event store keeps them for ever."`
	NATSBytes  int64         `name:"nats-max-bytes" default:"268435456" help:"How many bytes of events NATS keeps for subscribers. Each GiB is some seconds more until a start is ready."`

	ESDBListen string `name:"esdb-listen" placeholder:"ADDR" help:"Let outside programs read and subscribe to the log on this address, with clients for EventStoreDB."`

	QueueLength   int           `default:"32768" help:"Commands that may wait for one ledger before it answers 503."`
	MaxLag        uint64        `default:"250000" placeholder:"EVENTS" help:"Events that the read models may be behind before commands are answered 503; 0 for any number (default: ${default})."`
	SnapshotEvery int           `default:"50000" help:"Events between two snapshots of a ledger."`
	KeyRetention  time.Duration `default:"48h" help:"How long idempotency keys are kept; at least 24h."`
	BulkLimit     int64         `default:"33554432" help:"Largest body of a bulk request, in bytes."`

	PprofListen string `name:"pprof-listen" placeholder:"ADDR" help:"Serve Go profiles (net/http/pprof) on this loopback address."`

	LogFormat string `default:"text" enum:"text,json" help:"Format of the log: text or json."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"Least level that is logged: debug, info, warn or error."`
}

// minKeyRetention is promised by the HTTP contract.
const minKeyRetention = 24 * time.Hour

// Validate refuses settings that are dangerous or make no sense.
func (s *serveCmd) Validate() error {
	if s.KeyRetention < minKeyRetention {
		return fmt.Errorf("--key-retention %s: idempotency keys are promised for at least %s", s.KeyRetention, minKeyRetention)
	}
	if err := s.logFlags.Validate(); err != nil { // which kong does not find where it is embedded
		return err
	}
	kind, err := s.kind()
	if err != nil {
		return err
	}
	if kind == inEventStoreDB && s.ESDBListen != "" {
		return errors.New("--esdb-listen is for an event store of another kind: clients read one in EventStoreDB there")
	}
	if s.QueueLength < 1 || s.SnapshotEvery < 1 || s.BulkLimit < 1 {
		return errors.New("--queue-length, --snapshot-every and --bulk-limit must be at least 1")
	}
	if err := s.validateCluster(); err != nil {
		return err
	}
	if err := s.validateListeners(); err != nil {
		return err
	}
	return s.validateNATS()
}

const (
	// maxReplicas is what JetStream supports.
	maxReplicas = 5
	// minNATSMaxAge is more than the time for which JetStream remembers the ids of messages, which it wants.
	minNATSMaxAge = time.Minute
)

func (s *serveCmd) validateNATS() error {
	if s.NATSMaxAge < minNATSMaxAge {
		return fmt.Errorf("--nats-max-age must be at least %s", minNATSMaxAge)
	}
	if s.NATSBytes < stream.MaxEventBytes {
		return fmt.Errorf("--nats-max-bytes must be at least %d, so that there is room for any event", stream.MaxEventBytes)
	}
	if s.NATSReplicas < 1 || s.NATSReplicas > maxReplicas {
		return fmt.Errorf("--nats-replicas must be 1 to %d", maxReplicas)
	}
	if s.NATS != "" && s.NATSListen != "" {
		return errors.New("--nats-listen belongs to the NATS server in the process, which --nats replaces: leave one of them out")
	}
	if s.NATS == "" && (s.NATSCredential+s.NATSCA+s.NATSCert+s.NATSKey != "" || s.NATSReplicas > 1) {
		return errors.New("--nats-credentials, --nats-ca, --nats-cert, --nats-key and --nats-replicas need --nats")
	}
	if s.NATS == "" {
		return nil
	}
	dial := s.dialOptions(nil)
	if err := dial.Check(); err != nil {
		return fmt.Errorf("--nats: %w", err)
	}
	return nil
}

// dialOptions say how the NATS servers outside are reached.
func (s *serveCmd) dialOptions(logger *slog.Logger) stream.DialOptions {
	return stream.DialOptions{
		Servers: s.NATS, Credentials: s.NATSCredential, CA: s.NATSCA, Cert: s.NATSCert, Key: s.NATSKey, Logger: logger,
	}
}

// Run serves until ctx ends, then stops everything in order and returns nil.
func (s *serveCmd) Run(ctx context.Context, std *streams) error {
	logger, err := telemetry.NewLogger(std.err, s.LogFormat, s.LogLevel)
	if err != nil {
		return err
	}
	useMachine()
	server, err := start(ctx, s, logger)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "daybook: listening on http://%s\n", server.Address())
	return server.Wait(ctx)
}
