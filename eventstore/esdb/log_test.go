package esdb_test

import (
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

func openLog(t *testing.T, url, id string) *esdb.Log {
	t.Helper()
	l, err := esdb.OpenLog(t.Context(), url, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// opened takes pieces apart, and holds each chunk to what it says of itself.
func opened(t *testing.T, pieces iter.Seq2[[]eventstore.Chunk, error]) (records []eventstore.Recorded, failure error) {
	t.Helper()
	for piece, err := range pieces {
		if err != nil {
			return records, err
		}
		for _, chunk := range piece {
			before := len(records)
			if records, err = chunk.Open(records); err != nil {
				t.Fatal(err)
			}
			got := records[before:]
			if len(got) != chunk.Count || got[0].Stream != chunk.Stream || got[0].Revision != chunk.First || got[len(got)-1].Position != chunk.Last {
				t.Fatalf("a chunk of %+v, the first %s %d, says that it is %+v", len(got), got[0].Stream, got[0].Revision, chunk)
			}
		}
	}
	return records, nil
}

// TestALogHasWhatItsStoreHas reads it beside the store that writes it, sound and damaged.
func TestALogHasWhatItsStoreHas(t *testing.T) {
	log := &damaged{Store: memstore.New()}
	url := "esdb://" + serve(t, log) + parameters
	s := open(t, url, esdb.Options{})
	next := map[string]int{}
	for i, n := range []int{1, 1700, 3, 1, 40} {
		stream := []string{"stream", "other"}[i%2]
		if _, err := s.Append(patient(t), stream, eventstore.Any(), records(next[stream], n)); err != nil {
			t.Fatal(err)
		}
		next[stream] += n
	}
	l := openLog(t, url, s.ID())
	want, ofStream := all(t, s.ReadAll(patient(t), eventstore.Start)), all(t, s.ReadStream(patient(t), "stream", 0))
	for name, test := range map[string]struct {
		read iter.Seq2[[]eventstore.Chunk, error]
		want []eventstore.Recorded
	}{
		"all of it":             {l.All(patient(t), eventstore.Start), want},
		"what comes after":      {l.All(patient(t), want[5].Position), want[6:]},
		"one stream":            {l.Stream(patient(t), "stream", 0), ofStream},
		"the rest of a stream":  {l.Stream(patient(t), "stream", 2), ofStream[2:]},
		"a stream that is none": {l.Stream(patient(t), "none", 0), nil},
	} {
		got, err := opened(t, test.read)
		if err != nil || len(got) != len(test.want) {
			t.Fatalf("%s: %d records, %v, want %d", name, len(got), err, len(test.want))
		}
		for i := range got {
			if got[i].Stream != test.want[i].Stream || got[i].Revision != test.want[i].Revision || got[i].ID != test.want[i].ID {
				t.Fatalf("%s: record %d differs", name, i)
			}
		}
	}
	log.damage(t, "stream")
	got, err := opened(t, l.All(patient(t), eventstore.Start))
	if !errors.Is(err, eventstore.ErrCorrupt) || len(got) != len(want)-3 {
		t.Errorf("damaged: %d records of %d, %v, want those before the damage", len(got), len(want), err)
	}
}

// TestTheIdentityOfALog is given once, whoever comes first, and told by nothing but its name.
func TestTheIdentityOfALog(t *testing.T) {
	log := memstore.New()
	url := "esdb://" + serve(t, log) + parameters
	for range 2 {
		if _, err := esdb.OpenLog(patient(t), url, ""); err == nil || !strings.Contains(err.Error(), "there is no log of Daybook") {
			t.Errorf("open a log that is none: %v", err)
		}
	}
	const other = "018f0000-0000-7000-8000-000000000000"
	if _, err := esdb.Open(patient(t), url, esdb.Options{ID: other}); err == nil || !strings.Contains(err.Error(), "there is no log of Daybook") {
		t.Errorf("open another where there is none: %v", err)
	}
	stores := make([]*esdb.Store, 5)
	var group sync.WaitGroup
	for i := range stores {
		group.Go(func() { stores[i], _ = esdb.Open(t.Context(), url, esdb.Options{}) })
	}
	group.Wait()
	for _, s := range stores {
		if s == nil || s.ID() != stores[0].ID() || s.ID() == "" {
			t.Fatal("the stores are not of one log")
		}
	}
	if _, err := esdb.Open(patient(t), url, esdb.Options{ID: other}); err == nil || !strings.Contains(err.Error(), "there is the log "+stores[0].ID()) {
		t.Errorf("open another log: %v", err)
	}
	first := stores[0]
	if _, err := first.Append(patient(t), "daybook-log", eventstore.Any(), records(0, 1)); !errors.Is(err, eventstore.ErrInvalid) {
		t.Errorf("append to the identity: %v, want that it is invalid", err)
	}
	if got := all(t, first.ReadAll(patient(t), eventstore.Start)); len(got) != 0 {
		t.Errorf("%d records in a log without any", len(got))
	}
	for _, err := range first.ReadStream(patient(t), "daybook-log", 0) {
		if !errors.Is(err, eventstore.ErrStreamNotFound) {
			t.Errorf("read the identity: %v, want that there is no such stream", err)
		}
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
