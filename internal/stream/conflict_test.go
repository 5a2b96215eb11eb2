package stream_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// TestAStreamThatWouldLoseEventsIsRefused makes streams as somebody else might have, and finds them unchanged.
func TestAStreamThatWouldLoseEventsIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*jetstream.StreamConfig)
		asked  stream.Config
		want   string
	}{
		"as it should be":         {change: func(*jetstream.StreamConfig) {}},
		"limits of its own":       {change: func(c *jetstream.StreamConfig) { c.MaxBytes, c.MaxMsgs = 1<<20, 1000 }},
		"fewer subjects":          {change: func(c *jetstream.StreamConfig) { c.Subjects = []string{"daybook.events.shop.>"} }, want: "subjects"},
		"more subjects":           {change: func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "other") }, want: "subjects"},
		"a queue of work":         {change: func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, want: "retention"},
		"for those who want it":   {change: func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, want: "retention"},
		"refuses when it is full": {change: func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew }, want: "refuses new"},
		"the last of a subject":   {change: func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 }, want: "only 1 messages"},
		"small messages":          {change: func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 }, want: "larger than 1000"},
		"no acknowledgements":     {change: func(c *jetstream.StreamConfig) { c.NoAck = true }, want: "acknowledge"},
		"no batches":              {change: func(c *jetstream.StreamConfig) { c.AllowBatchPublish = false }, want: "batches"},
		"other subjects within": {change: func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: stream.All, Destination: "other.>"}
		}, want: "changes subjects"},
		"too few servers": {change: func(*jetstream.StreamConfig) {}, asked: stream.Config{Replicas: 3}, want: "1 servers, not by 3"},
		"another stream":  {change: func(c *jetstream.StreamConfig) { c.Name = "OTHER" }, want: "another stream has its subjects"},
	} {
		t.Run(name, func(t *testing.T) {
			// A server each: it may refuse a stream whose name was another's a moment ago.
			conn := dialOutside(t, stream.DialOptions{Servers: natstest.URLs(natstest.New(t, nil))})
			js := newJetStream(t, conn)
			config := jetstream.StreamConfig{Name: stream.Name, Subjects: []string{stream.All}, AllowBatchPublish: true}
			test.change(&config)
			made, err := js.CreateStream(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			broker, err := stream.NewBroker(conn, test.asked)
			if err != nil {
				t.Fatal(err)
			}
			err = broker.Ensure(t.Context())
			if refused := errors.Is(err, stream.ErrConflict); refused != (test.want != "") {
				t.Fatalf("ensure: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("ensure: %v, want %q in it", err, test.want)
			}
			after, err := made.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(made.CachedInfo().Config, after.Config); diff != "" {
				t.Errorf("the stream was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestReplicasNeedACluster(t *testing.T) {
	conn := dialOutside(t, stream.DialOptions{Servers: natstest.URLs(natstest.New(t, nil))})
	broker, err := stream.NewBroker(conn, stream.Config{Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "replicas > 1 not supported") {
		t.Errorf("ensure: %v, want that this takes a cluster", err)
	}
}
