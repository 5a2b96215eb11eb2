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
// It walks back along all chains at once, and always takes the entry with the greatest id next. Late entries make one chain
// more, in which an index finds the one before.
func (d *dialect) walkSQL() string {
	return `WITH RECURSIVE ` + allAssets + `,
` + windowChains + `,
start (entry_id) AS (
	SELECT ` + d.chainEnd(`chain`, `> `+windowsEnd, `?10`) + ` FROM chain
	UNION ALL
	SELECT (` + lateBefore + `<= ?10 ORDER BY l.transaction_id DESC LIMIT 1)),
` + d.walk
}

// walkQueue is the walk in SQLite, which takes the rows of the queue in the order that is asked for, and gives them to
// whoever reads the walk in the same.
const walkQueue = `walk (previous, day, nanos, transaction_id, idx) AS (
	SELECT ` + walkStep + `, e.day, e.nanos, e.transaction_id, e.idx FROM start CROSS JOIN entries e
	WHERE e.entry_id = start.entry_id AND ` + walkGoesOn + `
	UNION ALL
	SELECT ` + walkStep + `, e.day, e.nanos, e.transaction_id, e.idx FROM walk CROSS JOIN entries e
	WHERE e.entry_id = walk.previous AND ` + walkGoesOn + `
	ORDER BY 4 DESC),
taken (transaction_id) AS (SELECT DISTINCT walk.transaction_id FROM walk WHERE ` + walkInWindow + `)
`

// walkHeads is the walk in PostgreSQL, whose queues have no order. So there is one row at a time, which knows how far each
// chain was walked: the entries that come next, and the transactions that these are of. A step takes the one of the greatest
// and puts the one before it in its place, or NULL where the chain ends.
const walkHeads = `walk (heads, keys, fresh, day, nanos, transaction_id, idx) AS (
	SELECT array_agg(e.entry_id), array_agg(e.transaction_id), false, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
	FROM start CROSS JOIN entries e WHERE e.entry_id = start.entry_id AND ` + walkGoesOn + `
	UNION ALL
	SELECT walk.heads[:h.at-1] || b.entry_id || walk.heads[h.at+1:], walk.keys[:h.at-1] || b.transaction_id || walk.keys[h.at+1:],
		n.transaction_id IS DISTINCT FROM walk.transaction_id, n.day, n.nanos, n.transaction_id, n.idx
	FROM walk
	CROSS JOIN LATERAL (SELECT k.at FROM unnest(walk.keys) WITH ORDINALITY k (key, at) WHERE k.key IS NOT NULL ORDER BY k.key DESC LIMIT 1) h
	CROSS JOIN LATERAL (
		SELECT ` + walkStep + ` AS previous, e.day, e.nanos, e.transaction_id, e.idx FROM entries e WHERE e.entry_id = walk.heads[h.at]) n
	LEFT JOIN LATERAL (
		SELECT e.entry_id, e.transaction_id FROM entries e WHERE e.entry_id = n.previous AND ` + walkGoesOn + `) b ON true),
taken (transaction_id) AS (SELECT walk.transaction_id FROM walk WHERE walk.fresh AND ` + walkInWindow + `)
`

const (
	lateBefore = `SELECT l.entry_id FROM entries l WHERE l.account_id = ?1 AND l.place IS NULL AND l.transaction_id `

	// walkStep is the entry before e.
	walkStep = `CASE WHEN e.place IS NULL THEN (` + lateBefore + `< e.transaction_id ORDER BY l.transaction_id DESC LIMIT 1) ELSE e.previous END`

	// walkGoesOn leaves a chain where it reaches the window's beginning. Late entries are not in order of time.
	walkGoesOn = `(e.place IS NULL OR ` + placeOfEntry + ` > ` + afterWindow + `)`

	// walkInWindow leaves out the few entries behind the window, and late ones before it.
	walkInWindow = placeOfWalk + ` > ` + afterWindow + ` AND ` + placeOfWalk + ` <= ` + windowsEnd + ` AND walk.transaction_id <= ?10`
)
