package ledger

import "slices"

// The sections of a snapshot that most ledgers have empty:
//
//	metadata    of transactions: count, then each in the order in which they were first changed: id, a text in the form of
//	            packed
//	closings    count, then each, in order: days since 0001-01-01
//	assertions  count, then each: text, the JSON of AssertionDeclared; byte, its place in statuses; 4 sums (on debit-normal
//	            accounts, then on credit-normal ones; debits, then credits) of 4 numbers, lowest first

var statuses = [...]AssertionStatus{Evaluating, Holds, Broken} //nolint:gochecknoglobals // a table

func (w *snapshotWriter) chart(b *Book) {
	if b.replaced == nil {
		w.text("")
		return
	}
	w.event(*b.replaced)
}

func (r *snapshotReader) chart(b *Book) {
	if data := r.text(); len(data) > 0 {
		e, _ := r.event(chartReplacedName, data).(ChartReplaced)
		if r.err == nil {
			b.useChart(&e, e.Chart.Matcher())
		}
	}
}

func (b *Book) writePatches(w *snapshotWriter) {
	w.number(uint64(b.patches.list.len()))
	for _, p := range b.patches.list.all {
		w.number(p.id)
		w.text(string(p.metadata))
		w.pass()
	}
}

func (b *Book) readPatches(r *snapshotReader) {
	n := r.count(2)
	b.patches.index.reserve(n)
	for range n {
		id, m := r.number(), r.metadata()
		_, twice := b.patches.find(id)
		r.must(id > 0 && id <= b.transactions && !twice)
		if r.err != nil {
			return
		}
		b.patches.add(id, m)
	}
}

func (b *Book) writeClosings(w *snapshotWriter) {
	w.number(uint64(len(b.closings)))
	for _, day := range b.closings {
		w.number(uint64(day - firstDay))
	}
}

func (b *Book) readClosings(r *snapshotReader) {
	for range r.count(1) {
		day := firstDay + Day(r.below(uint64(lastDay-firstDay)))
		last, closed := b.Closed()
		r.must(!closed || day > last)
		if r.err != nil {
			return
		}
		b.closings = append(b.closings, day)
	}
}

func (b *Book) writeAssertions(w *snapshotWriter) {
	w.number(uint64(len(b.assertions.all)))
	for i := range b.assertions.all {
		a := &b.assertions.all[i]
		w.event(a.AssertionDeclared)
		w.byte(byte(slices.Index(statuses[:], a.status)))
		w.tally(&a.tally)
	}
}

func (b *Book) readAssertions(r *snapshotReader) {
	const least = 1 + 1 + 4*4 // bytes of each
	for range r.count(least) {
		declared, _ := r.event(assertionDeclaredName, r.text()).(AssertionDeclared)
		status, sums := r.byte(), r.tally()
		r.must(declared.ID == uint64(len(b.assertions.all))+1 && int(status) < len(statuses))
		if r.err != nil {
			return
		}
		b.addAssertion(assertion{AssertionDeclared: declared, status: statuses[status], tally: sums})
	}
}

func (r *snapshotReader) metadata() packed {
	m := packed(r.text())
	r.must(m.well())
	return m
}

func (w *snapshotWriter) tally(t *tally) {
	for normal := range t {
		for side := range t[normal] {
			for _, word := range t[normal][side] {
				w.number(word)
			}
		}
	}
}

func (r *snapshotReader) tally() (t tally) {
	for normal := range t {
		for side := range t[normal] {
			for word := range t[normal][side] {
				t[normal][side][word] = r.number()
			}
		}
	}
	return t
}

// event writes an event that the book keeps.
func (w *snapshotWriter) event(e Event) {
	data, err := AppendData(nil, e)
	if err != nil {
		panic("ledger: snapshot of a book that no event could have led to: " + err.Error())
	}
	w.text(string(data))
}

func (r *snapshotReader) event(name string, data []byte) Event {
	if r.err != nil {
		return nil
	}
	e, err := Decode(name, 1, data)
	if err != nil {
		r.fail(err)
	}
	return e
}

func (r *snapshotReader) must(ok bool) {
	if !ok {
		r.fail(errSnapshotValue)
	}
}
