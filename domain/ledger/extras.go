package ledger

// extraOf gives the number of an account's extras, which it makes where there are none.
func (b *Book) extraOf(account uint32) uint32 {
	if at := b.accounts.at(account).extra; at != 0 {
		return at - 1
	}
	b.extras.add(extra{})
	b.accounts.edit(account).extra = b.extras.len()
	b.onRollback(func() { b.accounts.edit(account).extra = 0 })
	return b.extras.len() - 1
}

func (b *Book) accountMetadata(account uint32) packed {
	if at := b.accounts.at(account).extra; at != 0 {
		return b.extras.at(at - 1).metadata
	}
	return ""
}

func (b *Book) keepAccountMetadata(account uint32, m packed) {
	before := b.accountMetadata(account)
	if before == m {
		return
	}
	at := b.extraOf(account)
	b.extras.edit(at).metadata = m
	b.onRollback(func() { b.extras.edit(at).metadata = before })
}

// patches are the metadata of the transactions whose metadata were changed.
type patches struct {
	list  pages[patched]
	index index
}

type patched struct {
	id       uint64
	metadata packed
}

func (p *patches) find(id uint64) (at uint32, found bool) {
	return p.index.find(hashID(id), func(i uint32) bool { return p.list.at(i).id == id })
}

func (p *patches) add(id uint64, m packed) {
	p.index.add(hashID(id), p.list.len())
	p.list.add(patched{id, m})
}

// removeLast takes back the last one that was added.
func (p *patches) removeLast() {
	last := p.list.len() - 1
	p.index.remove(hashID(p.list.at(last).id), last)
	p.list.truncate(last)
}

func (b *Book) keepTransactionMetadata(id uint64, m packed) {
	at, found := b.patches.find(id)
	if !found {
		b.patches.add(id, m)
		b.onRollback(b.patches.removeLast)
		return
	}
	before := b.patches.list.at(at).metadata
	b.patches.list.edit(at).metadata = m
	b.onRollback(func() { b.patches.list.edit(at).metadata = before })
}
