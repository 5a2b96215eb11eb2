package ledger

func (w *writer) holdPlaced(e *HoldPlaced) {
	w.open('{')
	w.uint64(`"id":`, e.ID)
	w.entries(`"entries":`, e.Entries)
	w.time(`"effective_at":`, e.EffectiveAt)
	w.optionalTime(`"expires_at":`, e.ExpiresAt)
	w.optional(`"reference":`, e.Reference)
	w.optional(`"description":`, e.Description)
	w.metadata(e.Metadata)
	w.end('}')
}

func (w *writer) holdCaptured(e *HoldCaptured) {
	w.open('{')
	w.uint64(`"id":`, e.ID)
	w.uint64(`"transaction":`, e.Transaction)
	w.entries(`"entries":`, e.Entries)
	if len(e.Remaining) > 0 {
		w.entries(`"remaining":`, e.Remaining)
	}
	if e.Final {
		w.raw(`"final":true,`)
	}
	w.holdOrigin(&e.HoldOrigin)
	w.end('}')
}

// holdEnded writes HoldVoided, and HoldExpired, which has no reason.
func (w *writer) holdEnded(id uint64, reason string, origin *HoldOrigin) {
	w.open('{')
	w.uint64(`"id":`, id)
	w.optional(`"reason":`, reason)
	w.holdOrigin(origin)
	w.end('}')
}

func (w *writer) holdOrigin(o *HoldOrigin) {
	w.uint64(`"placed":`, o.Placed)
	if len(o.Captures) == 0 {
		return
	}
	w.raw(`"captures":`)
	w.open('[')
	for _, transaction := range o.Captures {
		w.uint64("", transaction)
	}
	w.close(']')
}

func (r *reader) holdPlaced() HoldPlaced {
	var e HoldPlaced
	const id, entries, effectiveAt, expiresAt, reference, description, metadata = 1, 2, 4, 8, 16, 32, 64
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "id":
			r.field(&seen, id)
			e.ID = r.uint64()
		case "entries":
			r.field(&seen, entries)
			e.Entries = r.entries()
		case "effective_at":
			r.field(&seen, effectiveAt)
			e.EffectiveAt = r.time()
		case "expires_at":
			r.field(&seen, expiresAt)
			e.ExpiresAt = r.time()
		case "reference":
			r.field(&seen, reference)
			e.Reference = r.string()
		case "description":
			r.field(&seen, description)
			e.Description = r.string()
		case "metadata":
			r.field(&seen, metadata)
			e.Metadata = r.metadata()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id|entries|effectiveAt)
	return e
}

func (r *reader) holdCaptured() HoldCaptured {
	var e HoldCaptured
	const id, transaction, entries, remaining, final, placed, captures = 1, 2, 4, 8, 16, 32, 64
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "id":
			r.field(&seen, id)
			e.ID = r.uint64()
		case "transaction":
			r.field(&seen, transaction)
			e.Transaction = r.uint64()
		case "entries":
			r.field(&seen, entries)
			e.Entries = r.entries()
		case "remaining":
			r.field(&seen, remaining)
			e.Remaining = r.entries()
		case "final":
			r.field(&seen, final)
			e.Final = r.bool()
		case "placed":
			r.field(&seen, placed)
			e.Placed = r.uint64()
		case "captures":
			r.field(&seen, captures)
			e.Captures = r.uint64s()
			r.must(len(e.Captures) > 0)
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id|transaction|entries|placed|captures)
	return e
}

func (r *reader) holdEnded(mayHaveReason bool) (hold uint64, why string, origin HoldOrigin) {
	const id, reason, placed, captures = 1, 2, 4, 8
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch name := r.name(); {
		case name == "id":
			r.field(&seen, id)
			hold = r.uint64()
		case name == "reason" && mayHaveReason:
			r.field(&seen, reason)
			why = r.string()
		case name == "placed":
			r.field(&seen, placed)
			origin.Placed = r.uint64()
		case name == "captures":
			r.field(&seen, captures)
			origin.Captures = r.uint64s()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id|placed)
	return hold, why, origin
}

func (r *reader) uint64s() []uint64 {
	var list []uint64
	for more := r.begin('[', ']'); more; more = r.next(']') {
		list = append(list, r.uint64())
	}
	return list
}
