package queries

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// errHistoryUnavailable says that the store cannot be read now, and may be in a moment.
var errHistoryUnavailable = errors.New("the events cannot be read")

// events gives each event of a ledger from a revision on to visit, as it stands in the log, until visit returns
// errEnough. A revision past the end gives none.
func (q *Queries) events(ctx context.Context, ledger string, from uint64, visit func(eventstore.Recorded) error) error {
	from = min(from, math.MaxInt64) // stores count in signed numbers; nothing is there either way
	for r, err := range q.history.ReadStream(ctx, ledgername.Stream(ledger), eventstore.Revision(from)) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return errLedgerNotFound
		}
		if errors.Is(err, eventstore.ErrUnavailable) {
			return fmt.Errorf("%w: %w", errHistoryUnavailable, err)
		}
		if err != nil {
			return fmt.Errorf("read the events of ledger %q: %w", ledger, err)
		}
		switch err := visit(r); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

// hasEvent tells whether the log of a ledger reaches a revision, for which it gives the revision itself.
func (q *Queries) hasEvent(ctx context.Context, ledger string, revision uint64) (uint64, error) {
	var reached uint64
	found := false
	err := q.events(ctx, ledger, revision, func(r eventstore.Recorded) error {
		reached, found = uint64(r.Revision), true
		return errEnough
	})
	if err == nil && !found {
		return 0, errLedgerNotFound
	}
	return reached, err
}

// appendEvent appends an event as a CloudEvents 1.0 JSON object: the bytes that every feed of events shows. They are
// those of wire.Event; the data are the log's own.
func appendEvent(b []byte, ledger string, r *eventstore.Recorded) ([]byte, error) {
	e, err := envelope.Parse(r.Metadata)
	if err != nil {
		return b, fmt.Errorf("read the envelope of event %d of ledger %q: %w", r.Revision, ledger, err)
	}
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = r.ID.AppendTo(b)
	b = append(b, `","source":"/ledgers/`...)
	b = append(b, ledger...) // a name of letters, digits and hyphens
	b = append(b, `","type":"`...)
	b = append(b, r.Type...) // of letters, digits, hyphens and underscores
	b = append(b, `","time":"`...)
	b = e.RecordedAt.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","datacontenttype":"application/json","data":`...)
	b = append(b, r.Data...)
	b = append(b, `,"revision":`...)
	b = strconv.AppendUint(b, uint64(r.Revision), 10)
	b = append(b, `,"actor":`...)
	b = wire.AppendString(b, e.Actor)
	if e.Correlation != "" {
		b = append(b, `,"correlationid":`...)
		b = wire.AppendString(b, e.Correlation)
	}
	if e.Causation != "" {
		b = append(b, `,"causationid":`...)
		b = wire.AppendString(b, e.Causation)
	}
	b = append(b, `,"schemaversion":`...)
	b = strconv.AppendInt(b, int64(e.Schema), 10)
	b = append(b, `,"prevhash":"`...)
	b = hex.AppendEncode(b, e.Previous[:])
	b = append(b, `","hash":"`...)
	b = hex.AppendEncode(b, e.Hash[:])
	return append(b, `"}`...), nil
}
