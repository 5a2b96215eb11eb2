package main

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-ledger/daybook/internal/envelope"
)

var esdbAddress = regexp.MustCompile(`clients for EventStoreDB may read the log" address=(\S+)`)

// TestOutsideReader is a program with nothing but a client for EventStoreDB. It follows a ledger, proves to itself with the
// hashes that nothing is missing, and cannot write.
func TestOutsideReader(t *testing.T) {
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--esdb-listen", "127.0.0.1:0")
	config, err := esdb.ParseConnectionString("esdb://" + server.logged(t, esdbAddress) + "?tls=false")
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = esdb.NoopLogging()
	reader, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	subscription, err := reader.SubscribeToStream(ctx, "ledger-demo", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Close()
	last := openAndPost(t, server)

	var previous envelope.Hash
	for revision := uint64(0); revision <= last.Revision; {
		received := subscription.Recv()
		if received.SubscriptionDropped != nil {
			t.Fatalf("event %d: %v", revision, received.SubscriptionDropped.Error)
		}
		if received.EventAppeared == nil {
			continue // it has caught up
		}
		e := received.EventAppeared.Event
		meta, err := envelope.Parse(e.UserMetadata)
		if err != nil {
			t.Fatal(err)
		}
		place := envelope.Place{Stream: e.StreamID, Revision: revision, Type: e.EventType}
		if err := meta.Verify(place, e.Data); err != nil || meta.Previous != previous || e.EventNumber != revision {
			t.Fatalf("event %d, %d breaks the chain: %v", revision, e.EventNumber, err)
		}
		if want := meta.RecordedAt.Truncate(100); !e.CreatedDate.Equal(want) || e.EventID != meta.ID {
			t.Errorf("event %d is %s of %s, want %x of %s", revision, e.EventID, e.CreatedDate, meta.ID, want)
		}
		previous = meta.Hash
		revision++
	}
	_, err = reader.AppendToStream(ctx, "ledger-demo", esdb.AppendToStreamOptions{}, esdb.EventData{EventType: "TransactionPosted"})
	var refused *esdb.Error
	if !errors.As(err, &refused) || !refused.IsErrorCode(esdb.ErrorCodeAccessDenied) {
		t.Errorf("append: %v, want that access is denied", err)
	}
}
