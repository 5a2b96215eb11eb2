package queries

// window is that of the entries of the account that the filter may take, in transactions below an id.
func (source transactionSource) window(f *transactionFilter, before int64) *window {
	w := &window{account: source.account, after: beginning(), upTo: end(), last: before - 1}
	if f.from != nil {
		w.after = *f.from
	}
	if f.to != nil {
		w.upTo = *f.to
	}
	return w
}

// walkSQL begins a statement about those it calls taken: the transactions of a window's entries, each once, the greatest id
// first. Rows are read only as far as they are asked for.
//
// It walks back along all chains at once, and always takes the entry with the greatest id next: SQLite takes the rows of
// the queue in that order, and whoever reads the walk gets them in it. Late entries make one chain more, in which an index
// finds the one before.
func walkSQL() string {
	return `WITH RECURSIVE ` + allAssets + `,
` + windowChains + `,
start (entry_id) AS (
	SELECT ` + chainEnd(`chain`, `> `+windowsEnd, `?10`) + ` FROM chain
	UNION ALL
	SELECT (` + lateBefore + `<= ?10 ORDER BY l.transaction_id DESC LIMIT 1)),
walk (previous, day, nanos, transaction_id, idx) AS (
	SELECT ` + walkStep + ` FROM start CROSS JOIN entries e WHERE e.entry_id = start.entry_id AND ` + walkGoesOn + `
	UNION ALL
	SELECT ` + walkStep + ` FROM walk CROSS JOIN entries e WHERE e.entry_id = walk.previous AND ` + walkGoesOn + `
	ORDER BY 4 DESC),
taken (transaction_id) AS (SELECT DISTINCT walk.transaction_id FROM walk WHERE ` + walkInWindow + `)
`
}

const (
	lateBefore = `SELECT l.entry_id FROM entries l WHERE l.account_id = ?1 AND l.place IS NULL AND l.transaction_id `

	walkStep = `iif(e.place IS NULL, (` + lateBefore + `< e.transaction_id ORDER BY l.transaction_id DESC LIMIT 1), e.previous),
		e.day, e.nanos, e.transaction_id, e.idx`

	// walkGoesOn leaves a chain where it reaches the window's beginning. Late entries are not in order of time.
	walkGoesOn = `(e.place IS NULL OR ` + placeOfEntry + ` > ` + afterWindow + `)`

	// walkInWindow leaves out the few entries behind the window, and late ones before it.
	walkInWindow = placeOfWalk + ` > ` + afterWindow + ` AND ` + placeOfWalk + ` <= ` + windowsEnd + ` AND walk.transaction_id <= ?10`
)
