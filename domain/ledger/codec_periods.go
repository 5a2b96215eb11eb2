package ledger

// The forms of the events about periods. A day is written as "2026-01-31".

func (w *writer) periodClosed(e *PeriodClosed) {
	w.open('{')
	w.day(`"through":"`, e.Through)
	w.optional(`"reason":`, e.Reason)
	w.end('}')
}

func (r *reader) periodClosed() PeriodClosed {
	e := r.periodReopened()
	r.must(e.Closed == nil)
	return PeriodClosed{Through: e.Through, Reason: e.Reason}
}

func (w *writer) periodReopened(e *PeriodReopened) {
	w.open('{')
	w.day(`"through":"`, e.Through)
	if e.Closed != nil {
		w.day(`"closed":"`, *e.Closed)
	}
	w.optional(`"reason":`, e.Reason)
	w.end('}')
}

func (r *reader) periodReopened() PeriodReopened {
	var e PeriodReopened
	const through, closed, reason = 1, 2, 4
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "through":
			r.field(&seen, through)
			e.Through = parsed(r, ParseDay)
		case "closed":
			r.field(&seen, closed)
			e.Closed = new(parsed(r, ParseDay))
		case "reason":
			r.field(&seen, reason)
			e.Reason = r.string()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, through)
	return e
}

func (w *writer) day(name string, d Day) {
	if d < firstDay || d > lastDay {
		w.err = errYear
		return
	}
	w.raw(name)
	w.b = d.Start().AppendFormat(w.b, dayForm)
	w.raw(`",`)
}
