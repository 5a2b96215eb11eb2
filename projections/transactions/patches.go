package transactions

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

var errNoTransaction = errors.New("metadata of a transaction that was never posted")

// patches are what a batch changes in the metadata of transactions: the last of each counts.
type patches struct {
	last map[transaction]patch
	read string

	remove, insert views.Bulk
	rows           *views.Changes
}

type transaction struct{ ledgerID, id int64 }

type patch struct {
	event    *projector.Event
	metadata ledger.Metadata
}

func newPatches(generation int64) *patches {
	table, keys := transactions(), metadata()
	return &patches{
		last:   make(map[transaction]patch),
		read:   "SELECT metadata FROM " + table.Of(generation) + " WHERE ledger_id = ? AND transaction_id = ?",
		remove: views.Delete(keys.Of(generation), keys.Key),
		insert: views.Insert(keys.Of(generation), keys.Names()),
		rows:   views.NewChanges(table.Of(generation), table.Key, []string{"metadata"}),
	}
}

func (p *patches) reset() {
	clear(p.last)
	p.rows.Reset()
}

func (p *patches) note(event *projector.Event, set ledger.TransactionMetadataSet) {
	p.last[transaction{event.LedgerID, projector.Revision(set.ID)}] = patch{event, set.Metadata}
}

// write replaces the metadata. The rows of keys are found by what the transaction's own row says that they are.
func (p *patches) write(tx *views.Tx) error {
	if len(p.last) == 0 {
		return nil
	}
	defer p.reset()
	var old, fresh []any
	for at, set := range p.last {
		standing, err := p.standing(tx, at)
		if err != nil {
			return projector.Fail(set.event, err)
		}
		for key, value := range standing {
			old = append(old, at.ledgerID, key, value, at.id)
		}
		for key, value := range set.metadata {
			fresh = append(fresh, at.ledgerID, key, value, at.id)
		}
		p.rows.Set(at.ledgerID, at.id, projector.Metadata(set.metadata))
	}
	if err := p.remove.Write(tx, old); err != nil {
		return err
	}
	if err := p.insert.Write(tx, fresh); err != nil {
		return err
	}
	return p.rows.Write(tx)
}

func (p *patches) standing(tx *views.Tx, at transaction) (ledger.Metadata, error) {
	var text []byte
	err := tx.Query(p.read, []any{at.ledgerID, at.id}, func(rows *sqlx.Rows) error { return rows.Scan(&text) })
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, errNoTransaction
	}
	var metadata ledger.Metadata
	if err := json.Unmarshal(text, &metadata); err != nil {
		return nil, fmt.Errorf("read metadata: %w", err)
	}
	return metadata, nil
}
