package commands

import (
	"sync"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// The bodies that are sent often, read by [plain]. Each reads one object into a body that is empty.

// plainTransaction makes the command of a transaction's body. ok is false where the general decoder must see to it.
func plainTransaction(data string) (cmd ledger.Command, dryRun bool, problem *httpx.Problem, ok bool) {
	space := transactionSpaces.get()
	defer transactionSpaces.put(space)
	p := plain{s: data}
	if !p.transaction(space) || !p.end() {
		return nil, false, nil, false
	}
	cmd, problem = space.command()
	return cmd, space.DryRun, problem, true
}

// plainBulk makes the commands of a bulk.
func plainBulk(data string) (*bulk, bool) {
	space := transactionSpaces.get()
	defer transactionSpaces.put(space)
	b := &bulk{}
	given := false
	p := plain{s: data}
	ok := p.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "atomic":
			b.atomic, ok = p.boolean()
			bit = 1
		case "commands":
			given, bit = true, 2
			ok = p.array(func() bool {
				b.items = append(b.items, item{})
				return len(b.items) <= maxCommands && p.command(&b.items[len(b.items)-1], space)
			})
		}
		return bit, ok
	})
	return b, ok && p.end() && given && len(b.items) > 0
}

// plainItem makes the command of a line of a stream.
func plainItem(data string) (it item, ok bool) {
	space := transactionSpaces.get()
	defer transactionSpaces.put(space)
	p := plain{s: data}
	ok = p.command(&it, space) && p.end()
	return it, ok
}

// command reads a command of a bulk. Data that come before their type are taken for a transaction; if they turn out to
// be none, the general decoder sees to it.
func (p *plain) command(it *item, space *transactionBody) bool {
	of, read := "", ""
	ok := p.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "type":
			of, ok = p.text()
			bit = 1
		case "idempotency_key":
			it.key, ok = p.text()
			ok = ok && fitKey(it.key)
			bit = 2
		case "data":
			bit = 4
			if of == typeOpenAccount {
				var body accountBody
				read, ok = of, p.account(&body)
				if ok {
					it.command, it.problem = body.command()
				}
				break
			}
			space.reset()
			read, ok = typePostTransaction, p.transaction(space)
			if ok {
				it.command, it.problem = space.item()
			}
		}
		return bit, ok
	})
	if it.problem != nil {
		it.problem = within(it.problem, "/data")
	}
	return ok && of != "" && of == read
}

// spacePool keeps the bodies that transactions are read into. A large one is left to the garbage collector.
type spacePool struct{ pool sync.Pool }

//nolint:gochecknoglobals // a pool
var transactionSpaces spacePool

const keptSpace = 64

func (p *spacePool) get() *transactionBody {
	if b, ok := p.pool.Get().(*transactionBody); ok {
		return b
	}
	return new(transactionBody)
}

func (p *spacePool) put(b *transactionBody) {
	if cap(b.transferSpace) <= keptSpace && cap(b.entrySpace) <= keptSpace {
		b.reset()
		p.pool.Put(b)
	}
}

// reset empties the body, and lets go of the texts that it held.
func (b *transactionBody) reset() {
	transfers, entries := b.transferSpace, b.entrySpace
	clear(transfers)
	clear(entries)
	*b = transactionBody{movementBody: movementBody{last: b.last, transferSpace: transfers[:0], entrySpace: entries[:0]}}
}

func (p *plain) transaction(b *transactionBody) bool {
	return p.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "transfers":
			b.Transfers, bit = &b.transferSpace, 1
			b.transferSpace = b.transferSpace[:0]
			ok = p.array(func() bool {
				return p.transfer(b.transferSpace.next())
			})
		case "entries":
			b.Entries, bit = &b.entrySpace, 2
			b.entrySpace = b.entrySpace[:0]
			ok = p.array(func() bool {
				return p.entry(b.entrySpace.next())
			})
		case "effective_at":
			b.effectiveSpace, ok = p.text()
			b.EffectiveAt, bit = &b.effectiveSpace, 4
		case "reference":
			b.referenceSpace, ok = p.text()
			b.Reference, bit = &b.referenceSpace, 8
		case "description":
			b.Description, ok = p.text()
			bit = 16
		case "metadata":
			b.Metadata, ok = p.texts()
			bit = 32
		case "dry_run":
			b.DryRun, ok = p.boolean()
			bit = 64
		}
		return bit, ok
	})
}

func (p *plain) transfer(t *transferBody) bool {
	return p.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "from":
			t.From.one, ok = p.text()
			bit = 1
		case "to":
			t.To.one, ok = p.text()
			bit = 2
		case "asset":
			t.Asset, ok = p.text()
			bit = 4
		case "amount":
			t.Amount.numeral, ok = p.digits()
			bit = 8
		}
		return bit, ok
	})
}

func (p *plain) entry(e *entryBody) bool {
	return p.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "account":
			e.Account, ok = p.text()
			bit = 1
		case "asset":
			e.Asset, ok = p.text()
			bit = 2
		case "debit":
			e.Debit, ok = p.digits()
			bit = 4
		case "credit":
			e.Credit, ok = p.digits()
			bit = 8
		}
		return bit, ok
	})
}

func (p *plain) account(b *accountBody) bool {
	return p.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "address":
			b.Address, ok = p.text()
			bit = 1
		case "type":
			var of string
			of, ok = p.text()
			b.Type, bit = &of, 2
		case "min_balance":
			b.MinBalance, ok = p.digits()
			bit = 4
		case "max_balance":
			b.MaxBalance, ok = p.digits()
			bit = 8
		case "metadata":
			b.Metadata, ok = p.texts()
			bit = 16
		}
		return bit, ok
	})
}
