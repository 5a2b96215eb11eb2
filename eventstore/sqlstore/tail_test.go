package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

func TestTailHasNoGapsAndABound(t *testing.T) {
	var kept tail
	row := func(position int64, bytes int) []rowlog.Row {
		return []rowlog.Row{{Position: position, Payload: make([]byte, bytes)}}
	}
	for _, step := range []struct {
		name string
		add  []rowlog.Row
		want []int64
	}{
		{"the first", row(7, 10), []int64{7}},
		{"the next", row(8, 10), []int64{7, 8}},
		{"none", nil, []int64{7, 8}},
		{"one after what another process wrote", row(10, 10), []int64{10}},
		{"as much as there is room for", row(11, tailBytes-10), []int64{10, 11}},
		{"one byte more", row(12, 1), []int64{11, 12}},
		{"more than there is room for", row(13, 2*tailBytes), []int64{13}},
		{"and a small one after it", row(14, 1), []int64{14}},
	} {
		kept.add(step.add)
		var got []int64
		bytes := 0
		for _, r := range kept.rows {
			got = append(got, r.Position)
			bytes += len(r.Payload)
			if from := kept.from(r.Position); len(from) == 0 || from[0].Position != r.Position {
				t.Errorf("%s: from %d there is %v", step.name, r.Position, from)
			}
		}
		if !slices.Equal(got, step.want) || bytes != kept.bytes {
			t.Errorf("%s: got %v of %d bytes (it says %d), want %v", step.name, got, bytes, kept.bytes, step.want)
		}
		if kept.from(step.want[0]-1) != nil || kept.from(step.want[len(step.want)-1]+1) != nil {
			t.Errorf("%s: it gives rows that it does not have", step.name)
		}
	}
}

// Two processes write by turns. A subscription gets everything once and in order, whether it comes from memory or not.
func TestSubscriptionSeesWhatOthersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.db")
	var stores []*Store
	for range 2 {
		s, err := Open(t.Context(), path, Options{Limits: rowlog.Limits{PollInterval: time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		stores = append(stores, s)
	}
	const appends = 61
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan string)
	go func() {
		defer close(got)
		for r, err := range stores[0].Subscribe(ctx, eventstore.Start) {
			if err != nil {
				return
			}
			select {
			case got <- r.Stream:
			case <-ctx.Done():
				return
			}
		}
	}()
	seen := 0
	for i := range appends {
		by := stores[i*i%7%2]
		record := eventstore.Record{ID: [16]byte{byte(i + 1)}, Type: "T", Data: []byte("{}"), Metadata: []byte("{}")}
		if _, err := by.Append(ctx, streamName(i), eventstore.NoStream(), []eventstore.Record{record}); err != nil {
			t.Fatal(err)
		}
		for ; i%3 == 0 && seen <= i; seen++ { // now and then the subscription has caught up
			if name := <-got; name != streamName(seen) {
				t.Fatalf("record %d is of %s", seen, name)
			}
		}
	}
}

func streamName(i int) string { return fmt.Sprint("stream-", i) }
