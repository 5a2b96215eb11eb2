package envelope_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/envelope"
)

// The golden event, and what it must come to. The hash was made with coreutils from bytes written by hand, and the test
// below writes them again: see canonicalHex.
var (
	goldenPlace = envelope.Place{Stream: "ledger-main", Revision: 258, Type: "TransactionPosted"}
	goldenData  = []byte(`{"id":"7"}`)
)

const (
	// sha256sum of the golden data, and of the bytes of canonicalHex.
	goldenDigest = "389bf6f649e1a6dca027ed7b7d5124457a00a16e130fe39e18474dccf85094b9"
	goldenHash   = "24035cf6654654ae50c181b8dadb05f9b757047a6c19150670ed365d7c6ce2eb"
)

// canonicalHex is the canonical bytes of the golden event, item by item as the package comment numbers them.
const canonicalHex = `
	64617962 6f6f6b20 6576656e 74207631
	0000000b 6c65646765722d6d61696e
	0000000000000102
	00000011 5472616e73616374696f6e506f73746564
	00000003
	0198c0de 0000 7000 8000 000000000001
	00000000697deec0
	1dcd6500
	00000003 616e6e
	00000002 7237
	00000000
	00000004 6bc3a979
	0101010101010101 0101010101010101 0101010101010101 0101010101010101
	0202020202020202 0202020202020202 0202020202020202 0202020202020202
` + goldenDigest

func golden() envelope.Envelope {
	e := envelope.Envelope{
		ID:         [16]byte{0x01, 0x98, 0xc0, 0xde, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1},
		Schema:     3,
		RecordedAt: time.Date(2026, 1, 31, 12, 0, 0, 500_000_000, time.UTC),
		Actor:      "ann", Correlation: "r7", Key: "kéy",
	}
	for i := range e.Request {
		e.Request[i], e.Previous[i] = 1, 2
	}
	return e
}

const goldenJSON = `{"envelope":1,"id":"0198c0de-0000-7000-8000-000000000001","schema":3,` +
	`"recorded_at":"2026-01-31T12:00:00.5Z","actor":"ann","correlation":"r7","key":"kéy",` +
	`"request":"0101010101010101010101010101010101010101010101010101010101010101",` +
	`"previous":"0202020202020202020202020202020202020202020202020202020202020202",` +
	`"hash":"` + goldenHash + `"}`

func TestGoldenHash(t *testing.T) {
	digest := sha256.Sum256(goldenData)
	if got := hex.EncodeToString(digest[:]); got != goldenDigest {
		t.Errorf("digest of the data: %s", got)
	}
	byHand, err := hex.DecodeString(strings.Join(strings.Fields(canonicalHex), ""))
	if err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256(byHand)
	if got := hex.EncodeToString(want[:]); got != goldenHash {
		t.Errorf("hash of the bytes made by hand: %s", got)
	}
	e := golden()
	if err := e.Seal(goldenPlace, goldenData); err != nil {
		t.Fatal(err)
	}
	if e.Hash != want {
		t.Errorf("got %x, want %x", e.Hash, want)
	}
	if got := string(e.AppendJSON(nil)); got != goldenJSON {
		t.Errorf("got  %s\nwant %s", got, goldenJSON)
	}
}

// TestEverythingIsCovered changes one thing at a time: each must break the seal.
func TestEverythingIsCovered(t *testing.T) {
	changes := map[string]func(e *envelope.Envelope, p *envelope.Place, data *[]byte){
		"id":           func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.ID[15]++ },
		"schema":       func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Schema++ },
		"seconds":      func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.RecordedAt = e.RecordedAt.Add(time.Second) },
		"nanoseconds":  func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.RecordedAt = e.RecordedAt.Add(1) },
		"actor":        func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Actor = "bob" },
		"text moved":   func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Actor, e.Correlation = "annr", "7" },
		"causation":    func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Causation = "x" },
		"key":          func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Key = "" },
		"request":      func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Request[31]++ },
		"previous":     func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Previous[0]++ },
		"hash":         func(e *envelope.Envelope, _ *envelope.Place, _ *[]byte) { e.Hash[0]++ },
		"stream":       func(_ *envelope.Envelope, p *envelope.Place, _ *[]byte) { p.Stream = "ledger-mail" },
		"revision":     func(_ *envelope.Envelope, p *envelope.Place, _ *[]byte) { p.Revision++ },
		"type":         func(_ *envelope.Envelope, p *envelope.Place, _ *[]byte) { p.Type = "TransactionReverted" },
		"data":         func(_ *envelope.Envelope, _ *envelope.Place, d *[]byte) { *d = []byte(`{"id":"8"}`) },
		"data emptied": func(_ *envelope.Envelope, _ *envelope.Place, d *[]byte) { *d = nil },
	}
	for name, change := range changes {
		e, place, data := golden(), goldenPlace, goldenData
		if err := e.Seal(place, data); err != nil {
			t.Fatal(err)
		}
		if err := e.Verify(place, data); err != nil {
			t.Fatal(err)
		}
		change(&e, &place, &data)
		if err := e.Verify(place, data); !errors.Is(err, envelope.ErrHash) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhatCannotBeWrittenIsNotSealed(t *testing.T) {
	for name, change := range map[string]func(*envelope.Envelope){
		"schema 0":     func(e *envelope.Envelope) { e.Schema = 0 },
		"schema 2^31":  func(e *envelope.Envelope) { e.Schema = 1 << 31 },
		"year 0":       func(e *envelope.Envelope) { e.RecordedAt = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) },
		"year 10000":   func(e *envelope.Envelope) { e.RecordedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"another zone": func(e *envelope.Envelope) { e.RecordedAt = e.RecordedAt.In(time.FixedZone("", 3600)) },
		"actor":        func(e *envelope.Envelope) { e.Actor = "\xff" },
		"correlation":  func(e *envelope.Envelope) { e.Correlation = "a\xc3" },
		"causation":    func(e *envelope.Envelope) { e.Causation = "\xed\xa0\x80" },
		"key":          func(e *envelope.Envelope) { e.Key = "\x80" },
	} {
		e := golden()
		change(&e)
		if err := e.Seal(goldenPlace, goldenData); err == nil {
			t.Errorf("%s: it was sealed", name)
		}
	}
}
