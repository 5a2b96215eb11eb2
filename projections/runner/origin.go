package runner

import (
	"context"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
)

// origin is the id of the first event of the log; empty while there is none.
func (r *Runner) origin(ctx context.Context) (string, error) {
	for record, err := range r.Store.ReadAll(ctx, eventstore.Start) {
		if err != nil {
			return "", fmt.Errorf("read the first event of the log: %w", err)
		}
		return record.ID.String(), nil
	}
	return "", nil
}
