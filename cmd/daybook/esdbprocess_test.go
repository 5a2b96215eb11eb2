package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
)

// asEventStoreDB, as the first argument, makes the test binary a server that speaks the protocol of EventStoreDB: its
// arguments are the file of the log and the address to listen at.
const asEventStoreDB = "test-eventstoredb"

// serveEventStoreDB serves until it is told to end.
func serveEventStoreDB(file, address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	store, err := sqlstore.Open(ctx, file, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := esdbserver.New(listener, store, esdbserver.Options{Writable: true, RecordedAt: recordedAt})
	fmt.Fprintf(os.Stdout, "listening on %s\n", server.Address())
	return server.Run(ctx)
}

// eventStoreDBProcess is such a server in a process of its own, which can be killed and started again where it was.
type eventStoreDBProcess struct {
	*child

	file, address string
}

func startEventStoreDB(t *testing.T) *eventStoreDBProcess {
	t.Helper()
	p := &eventStoreDBProcess{file: filepath.Join(t.TempDir(), "log.db"), address: "127.0.0.1:0"}
	p.start(t)
	t.Cleanup(func() { p.Kill() })
	return p
}

func (p *eventStoreDBProcess) start(t *testing.T) {
	t.Helper()
	log := new(syncBuffer)
	process, err := startChild(context.WithoutCancel(t.Context()), log, asEventStoreDB, p.file, p.address)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	p.child, p.address = process, process.Address
}

func (p *eventStoreDBProcess) url() string { return "esdb://" + p.address + "?tls=false" }
