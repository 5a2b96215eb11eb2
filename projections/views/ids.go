package views

import (
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/projections/cache"
)

// IDs gives ledgers and accounts the short numbers that rows refer to them by, and remembers those used lately. One
// that fails, or whose transaction does not commit, must be forgotten with [IDs.Reset].
type IDs struct {
	ledgers  *cache.Cache[string, int64]
	accounts *cache.Cache[AccountKey, int64]
}

// AccountKey names an account.
type AccountKey struct {
	LedgerID int64
	Address  string
}

const (
	ledgersKept  = 1 << 16
	accountsKept = 1 << 18
	lookupRows   = 200
)

// NewIDs knows no number yet.
func NewIDs() *IDs {
	return &IDs{
		ledgers:  cache.New[string, int64](ledgersKept),
		accounts: cache.New[AccountKey, int64](accountsKept),
	}
}

// Reset forgets what was remembered.
func (ids *IDs) Reset() {
	ids.ledgers.Clear()
	ids.accounts.Clear()
}

// Turn begins a batch: see [cache.Cache.Turn].
func (ids *IDs) Turn() {
	ids.ledgers.Turn()
	ids.accounts.Turn()
}

// newLedger gives a ledger the number after the largest there is, unless it has one. SQLite needs the WHERE to tell what the
// ON belongs to.
const newLedger = `INSERT INTO ledger_ids (ledger_id, name)
	SELECT coalesce(max(ledger_id), 0) + 1, CAST(? AS TEXT) FROM ledger_ids WHERE true ON CONFLICT (name) DO NOTHING`

// Ledger is the number of a ledger, which is given one if it has none.
func (ids *IDs) Ledger(tx *Tx, name string) (int64, error) {
	if id, found := ids.ledgers.Get(name); found {
		return id, nil
	}
	// The name may come from a transport's buffer, which must not be kept alive by it.
	name = strings.Clone(name)
	if _, err := tx.Exec(newLedger, name); err != nil {
		return 0, err
	}
	var id int64
	err := tx.Query(`SELECT ledger_id FROM ledger_ids WHERE name = ?`, []any{name}, func(rows *sqlx.Rows) error {
		return rows.Scan(&id)
	})
	if err != nil {
		return 0, err
	}
	ids.ledgers.Put(name, id)
	return id, nil
}

// Accounts sets numbers[i] to the number of the account keys[i], which is given one if it has none.
func (ids *IDs) Accounts(tx *Tx, keys []AccountKey, numbers []int64) error {
	var missing []int
	for i, key := range keys {
		id, found := ids.accounts.Get(key)
		if !found {
			missing = append(missing, i)
		}
		numbers[i] = id
	}
	if len(missing) == 0 {
		return nil
	}
	unknown, seen := make(map[int64][]string), make(map[AccountKey]bool)
	for _, i := range missing {
		if !seen[keys[i]] {
			seen[keys[i]] = true
			unknown[keys[i].LedgerID] = append(unknown[keys[i].LedgerID], strings.Clone(keys[i].Address))
		}
	}
	for ledgerID, addresses := range unknown {
		if err := ids.resolve(tx, ledgerID, addresses); err != nil {
			return err
		}
	}
	for _, i := range missing {
		numbers[i], _ = ids.accounts.Get(keys[i])
	}
	return nil
}

func (ids *IDs) resolve(tx *Tx, ledgerID int64, addresses []string) error {
	for start := 0; start < len(addresses); start += lookupRows {
		part := addresses[start:min(start+lookupRows, len(addresses))]
		if err := ids.find(tx, ledgerID, part); err != nil {
			return err
		}
	}
	var fresh []string
	for _, address := range addresses {
		if _, found := ids.accounts.Get(AccountKey{ledgerID, address}); !found {
			fresh = append(fresh, address)
		}
	}
	return ids.assign(tx, ledgerID, fresh)
}

func (ids *IDs) find(tx *Tx, ledgerID int64, addresses []string) error {
	args := make([]any, 1, lookupRows+1)
	args[0] = ledgerID
	for _, address := range addresses {
		args = append(args, address)
	}
	for len(args) <= lookupRows { // one text for all, so that it stays prepared
		args = append(args, nil)
	}
	text := `SELECT account_id, address FROM account_ids WHERE ledger_id = ? AND address IN ` + In(lookupRows)
	return tx.Query(text, args, func(rows *sqlx.Rows) error {
		var id int64
		var address string
		if err := rows.Scan(&id, &address); err != nil {
			return fmt.Errorf("read an account's number: %w", err)
		}
		ids.accounts.Put(AccountKey{ledgerID, address}, id)
		return nil
	})
}

// assign numbers accounts on from the largest number there is. That is read anew each time, because another process may
// have given some; while this transaction lasts none can.
func (ids *IDs) assign(tx *Tx, ledgerID int64, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	last, err := tx.Largest("account_ids", "account_id")
	if err != nil {
		return err
	}
	values := make([]any, 0, 3*len(addresses)) //nolint:mnd // three columns
	for _, address := range addresses {
		last++
		values = append(values, last, ledgerID, address)
		ids.accounts.Put(AccountKey{ledgerID, address}, last)
	}
	return Insert("account_ids", []string{"account_id", "ledger_id", "address"}).Write(tx, values)
}
