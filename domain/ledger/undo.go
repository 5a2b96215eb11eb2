package ledger

// onRollback leaves with the journal how to take back what an event has just changed. It is for changes that are rare;
// what every transaction changes has a place of its own there. What is taken back happened later than all that is still
// there: undo is called with the book as it was right after the event.
func (b *Book) onRollback(undo func()) {
	if len(b.journal.marks) > 0 {
		b.journal.undo = append(b.journal.undo, undo)
	}
}

// undo takes back what was left since there were as many as from, the latest first.
func (b *Book) undo(from int) {
	for i := len(b.journal.undo) - 1; i >= from; i-- {
		b.journal.undo[i]()
	}
	clear(b.journal.undo[from:])
	b.journal.undo = b.journal.undo[:from]
}
