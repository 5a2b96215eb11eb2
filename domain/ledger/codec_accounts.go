package ledger

import (
	"strconv"

	"github.com/daybook-ledger/daybook/domain/address"
)

// The forms of the events that change what accounts, transactions and the chart say, but move nothing.

func (w *writer) chartReplaced(e *ChartReplaced) {
	w.open('{')
	w.raw(`"chart":`)
	w.chart(&e.Chart)
	w.end('}')
}

func (r *reader) chartReplaced() ChartReplaced {
	var e ChartReplaced
	const chart = 1
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "chart":
			r.field(&seen, chart)
			e.Chart = r.chart()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, chart)
	return e
}

// accountClosed writes AccountClosed and AccountReopened, which have the same fields.
func (w *writer) accountClosed(e *AccountClosed) {
	w.open('{')
	w.text(`"address":`, string(e.Address))
	w.optional(`"reason":`, e.Reason)
	w.end('}')
}

func (r *reader) accountClosed() AccountClosed {
	var e AccountClosed
	const name, reason = 1, 2
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "address":
			r.field(&seen, name)
			e.Address = parsed(r, address.Parse)
		case "reason":
			r.field(&seen, reason)
			e.Reason = r.string()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, name)
	return e
}

func (w *writer) accountMetadataSet(e *AccountMetadataSet) {
	w.open('{')
	w.text(`"address":`, string(e.Address))
	w.metadata(e.Metadata)
	w.end('}')
}

func (r *reader) accountMetadataSet() AccountMetadataSet {
	var e AccountMetadataSet
	const name, metadata = 1, 2
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "address":
			r.field(&seen, name)
			e.Address = parsed(r, address.Parse)
		case "metadata":
			r.field(&seen, metadata)
			e.Metadata = r.metadata()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, name)
	return e
}

func (w *writer) transactionMetadataSet(e *TransactionMetadataSet) {
	w.open('{')
	w.number(`"id":`, e.ID)
	w.metadata(e.Metadata)
	w.end('}')
}

func (r *reader) transactionMetadataSet() TransactionMetadataSet {
	var e TransactionMetadataSet
	const id, metadata = 1, 2
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "id":
			r.field(&seen, id)
			e.ID = r.uint64()
		case "metadata":
			r.field(&seen, metadata)
			e.Metadata = r.metadata()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id)
	return e
}

func (w *writer) number(name string, n uint64) {
	w.raw(name)
	w.b = append(strconv.AppendUint(w.b, n, 10), ',')
}
