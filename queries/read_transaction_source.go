package queries

import (
	"database/sql"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// transactionFilter says which transactions are asked for: those that are as all of its parts say.
type transactionFilter struct {
	account   address.Address // one of the entries is of this account; empty for any
	pattern   address.Pattern // one of the entries is of such an account; empty for any
	reference string          // empty for any
	from, to  *place          // effective after the one, up to the other
	metadata  map[string]string
	text      string // is in the description or the reference, in any case; empty for any
	before    int64  // ids are below it
	limit     int
}

// firstPage is the before of a first page.
const firstPage = math.MaxInt64

// picky tells whether rows are read that takes may refuse.
func (f *transactionFilter) picky() bool { return f.pattern != "" || f.text != "" || f.account != "" }

// takes tests what the statement may not have.
func (f *transactionFilter) takes(t *wire.Transaction) bool {
	if f.account != "" && !slices.ContainsFunc(t.Entries, func(e wire.Entry) bool { return e.Account == string(f.account) }) {
		return false
	}
	if f.pattern != "" && !slices.ContainsFunc(t.Entries, func(e wire.Entry) bool { return f.pattern.Match(address.Address(e.Account)) }) {
		return false
	}
	if f.text == "" {
		return true
	}
	wanted := folded(f.text)
	return strings.Contains(folded(t.Description), wanted) || t.Reference != nil && strings.Contains(folded(*t.Reference), wanted)
}

// folded makes texts alike that differ in case only: each letter becomes the least of those it is the same as.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			return unicode.ToUpper(r)
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, s)
}

// transactionSource is the index that candidates are walked along.
type transactionSource struct {
	kind    sourceKind
	account int64
	nothing bool
}

type sourceKind uint8

const (
	alongIDs sourceKind = iota
	alongReference
	alongAccount
	alongMetadata
	alongTime
)

// timeRangeMost is how many transactions of a range of effective times are sorted by id for a page. With more it is
// cheaper to walk the ids and to leave out those outside the range.
const timeRangeMost = 10_000

// transactionSource chooses the index that leaves the fewest candidates, as far as that can be told beforehand.
func (s *snapshot) transactionSource(f *transactionFilter) (source transactionSource, err error) {
	switch {
	case f.reference != "":
		return transactionSource{kind: alongReference}, nil
	case f.account != "":
		source = transactionSource{kind: alongAccount, nothing: true}
		err = s.each(`SELECT i.account_id FROM account_ids i WHERE i.ledger_id = ? AND i.address = ?`, []any{s.ledger, string(f.account)},
			func(rows *sql.Rows) error {
				source.nothing = false
				return rows.Scan(&source.account)
			})
		return source, err
	case len(f.metadata) > 0:
		return transactionSource{kind: alongMetadata}, nil
	case f.from != nil || f.to != nil:
		few, err := s.fewInRange(f)
		if few {
			return transactionSource{kind: alongTime}, err
		}
		return transactionSource{kind: alongIDs}, err
	}
	return transactionSource{kind: alongIDs}, nil
}

func (s *snapshot) fewInRange(f *transactionFilter) (bool, error) {
	var q sqlText
	q.add(`WITH few (one) AS (SELECT 1 FROM transactions t WHERE t.ledger_id = ?`, s.ledger)
	q.addRange(f, `(t.day, t.nanos)`)
	q.add(` LIMIT ? + 0) SELECT count(*) FROM few`, timeRangeMost+1)
	var count int
	err := s.each(q.String(), q.args, func(rows *sql.Rows) error { return rows.Scan(&count) })
	return count <= timeRangeMost, err
}

// sqlText is a statement in the making.
type sqlText struct {
	text strings.Builder
	args []any
}

func (q *sqlText) add(text string, args ...any) {
	q.text.WriteString(text)
	q.args = append(q.args, args...)
}

func (q *sqlText) String() string { return q.text.String() }

func (q *sqlText) addRange(f *transactionFilter, columns string) {
	if f.from != nil {
		q.add(` AND `+columns+` > (?, ?)`, f.from.Day, f.from.Nanos)
	}
	if f.to != nil {
		q.add(` AND `+columns+` <= (?, ?)`, f.to.Day, f.to.Nanos)
	}
}

// statement reads candidates below an id, the greatest first. The cross joins hold the database to the order that they
// are written in, and each "+" keeps it from an index that would read more.
func (source transactionSource) statement(d *dialect, ledger int64, f *transactionFilter, before int64, limit int) (text string, args []any) {
	var q sqlText
	metadata := slices.Sorted(maps.Keys(f.metadata))
	times, order := `(+t.day, +t.nanos)`, ` ORDER BY t.transaction_id DESC`
	if source.kind == alongAccount {
		times, order = ``, `` // the walk is in order, and keeps to the range
		q.add(d.walkSQL(), source.window(f, before).args()...)
	}
	q.add(`SELECT ` + transactionColumns)
	switch source.kind {
	case alongReference:
		q.add(` FROM transactions t WHERE t.ledger_id = ? AND t.reference = ? AND +t.transaction_id < ?`, ledger, f.reference, before)
	case alongAccount:
		q.add(d.taken, ledger)
	case alongMetadata:
		order = ` ORDER BY m.transaction_id DESC`
		q.add(` FROM transaction_metadata m CROSS JOIN transactions t WHERE m.ledger_id = ? AND m.key = ? AND m.value = ?
	AND m.transaction_id < ? AND t.ledger_id = m.ledger_id AND t.transaction_id = m.transaction_id`,
			ledger, metadata[0], f.metadata[metadata[0]], before)
		metadata = metadata[1:]
	case alongTime:
		times = `(t.day, t.nanos)`
		q.add(` FROM transactions t WHERE t.ledger_id = ? AND +t.transaction_id < ?`, ledger, before)
	case alongIDs:
		q.add(` FROM transactions t WHERE t.ledger_id = ? AND t.transaction_id < ?`, ledger, before)
	}
	if times != `` {
		q.addRange(f, times)
	}
	for _, key := range metadata {
		q.add(` AND EXISTS (SELECT 1 FROM transaction_metadata n WHERE n.ledger_id = t.ledger_id AND n.key = ? AND n.value = ?
	AND n.transaction_id = t.transaction_id)`, key, f.metadata[key])
	}
	q.add(order+` LIMIT ? + 0`, limit)
	return q.String(), q.args
}
