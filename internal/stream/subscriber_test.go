package stream_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/internal/stream"
)

func TestEventsComeAsTheyWereSent(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{})
	sent := append(eventsOf("shop", 0, 100), eventsOf("other-ledger", 0, 3)...)
	sent[7].Metadata = []byte(`{"actor":"Zoë: 世界\\n","colon":"a: b:c","tab":"	"}`)
	sent[8].Data = []byte("\x00\xff any bytes\r\n")
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)

	if diff := cmp.Diff(sent, collect(t, messages, len(sent))); diff != "" {
		t.Errorf("events differ (-sent +received):\n%s", diff)
	}
}
