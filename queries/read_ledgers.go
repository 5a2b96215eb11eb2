package queries

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/internal/wire"
)

const ledgerColumns = `SELECT l.name, v.created_at, c.revision, v.accounts, v.transactions, v.chart, v.metadata
FROM ledger_ids l JOIN ledgers v ON v.ledger_id = l.ledger_id
JOIN live_checkpoints c ON c.projection = 'ledgers' AND c.ledger_id = l.ledger_id `

// oneLedger reads a ledger. Its revision is the one that the answer reflects.
func (r *reader) oneLedger(ctx context.Context, name string) (wire.Ledger, error) {
	found, err := r.someLedgers(ctx, ledgerColumns+`WHERE l.name = ?`, name)
	if err == nil && len(found) == 0 {
		err = errLedgerNotFound
	}
	if err != nil {
		return wire.Ledger{}, err
	}
	return found[0], nil
}

// ledgers reads up to limit ledgers in order of name.
func (r *reader) ledgers(ctx context.Context, after string, limit int) ([]wire.Ledger, error) {
	return r.someLedgers(ctx, ledgerColumns+`WHERE l.name > ? ORDER BY l.name LIMIT ? + 0`, after, limit)
}

func (r *reader) someLedgers(ctx context.Context, text string, args ...any) ([]wire.Ledger, error) {
	var found []wire.Ledger
	err := r.each(ctx, text, args, func(rows *sql.Rows) error {
		var l wire.Ledger
		var createdAt, chart, metadata string
		err := rows.Scan(&l.Name, &createdAt, &l.Revision, &l.Accounts, &l.Transactions, &chart, &metadata)
		if err != nil {
			return err
		}
		if l.CreatedAt, err = time.Parse(time.RFC3339Nano, createdAt); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(chart), &l.Chart); err != nil {
			return fmt.Errorf("the chart of ledger %q: %w", l.Name, err)
		}
		if l.Metadata, err = readMetadata(metadata); err != nil {
			return err
		}
		found = append(found, l)
		return nil
	})
	return found, err
}

// readMetadata is never nil, so that it is answered as an object.
func readMetadata(text string) (map[string]string, error) {
	metadata := map[string]string{}
	if text == "" || text == "{}" || text == "null" {
		return metadata, nil
	}
	if err := json.Unmarshal([]byte(text), &metadata); err != nil {
		return nil, fmt.Errorf("read the metadata: %w", err)
	}
	return metadata, nil
}
