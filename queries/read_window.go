package queries

// window is a part of an account's entries: those after a place, up to another that is the end of an instant, and of
// transactions up to the last that is known.
//
// Entries that arrived in effective order are linked, each to the one before it of the same account and asset: they are
// read as chains, backwards from their ends. The others are late; they have an index of their own. See docs/schema.md.
type window struct {
	account     int64
	after, upTo place
	last        int64
}

// args are the arguments of the statements below, from the first on; what else a statement takes comes after them.
func (w *window) args(others ...any) []any {
	return append([]any{
		w.account, w.after.Day, w.after.Nanos, w.after.Transaction, w.after.Index,
		w.upTo.Day, w.upTo.Nanos, w.upTo.Transaction, w.upTo.Index, w.last,
	}, others...)
}

// The texts below are parts of statements about a window.
const (
	afterWindow  = `(?2, ?3, ?4, ?5)`
	windowsEnd   = `(?6, ?7, ?8, ?9)`
	placeOfEntry = `(e.day, e.nanos, e.transaction_id, e.idx)`
	placeOfWalk  = `(walk.day, walk.nanos, walk.transaction_id, walk.idx)`

	// allAssets are those in which the account has moved. They are found by as many seeks.
	allAssets = `asset (name) AS (
	SELECT min(c.asset) FROM closings c WHERE c.account_id = ?1
	UNION ALL
	SELECT (SELECT min(c.asset) FROM closings c WHERE c.account_id = ?1 AND c.asset > asset.name) FROM asset WHERE asset.name IS NOT NULL)`

	// windowChains are the chains that have entries by the end of the window's last day, with the last of them.
	windowChains = `chain (account_id, asset, last) AS MATERIALIZED (
	SELECT c.account_id, c.asset, c.last FROM asset CROSS JOIN closings c
	WHERE c.account_id = ?1 AND c.asset = asset.name AND c.last IS NOT NULL
		AND c.day = (SELECT d.day FROM closings d WHERE d.account_id = ?1 AND d.asset = asset.name AND d.day <= ?6 ORDER BY d.day DESC LIMIT 1))`
)

// chainEnd is an entry of a chain, few steps behind all those that are before a place and of transactions up to one: the
// first mark past either, or the chain's last. past is a comparison with the place; of is what has the chain's account, asset
// and last.
func (d *dialect) chainEnd(of, past, last string) string {
	return d.least + `(` + of + `.last, coalesce(` + firstMark(of, past, `0`) + `, ` + of + `.last), coalesce((
		SELECT m.entry_id FROM entries m WHERE m.account_id = ` + of + `.account_id AND m.asset = ` + of + `.asset AND m.debits IS NOT NULL
			AND m.transaction_id > ` + last + ` ORDER BY m.transaction_id LIMIT 1), ` + of + `.last))`
}

// firstMark is the first mark of a chain past a place, or one after it.
func firstMark(of, past, skipped string) string {
	return `(
		SELECT m.entry_id FROM entries m WHERE m.account_id = ` + of + `.account_id AND m.asset = ` + of + `.asset AND m.debits IS NOT NULL
			AND (m.day, m.nanos, m.transaction_id, m.idx) ` + past + `
		ORDER BY m.day, m.nanos, m.transaction_id, m.idx LIMIT 1 OFFSET ` + skipped + `)`
}
