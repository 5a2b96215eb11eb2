package linear_test

import (
	"math/rand/v2"
	"slices"
)

// choose makes up what a client asks next. It may be what was asked before, by anybody, with the same key.
func (l *trial) choose(random *rand.Rand) asked {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := asked{heard: slices.Clone(l.heard)}
	switch n := random.IntN(100); {
	case n < 5 && len(l.declared) > 0:
		a.request = l.declared[random.IntN(len(l.declared))]
	case n < 13 && len(l.sent) > 0:
		a.request = l.sent[random.IntN(len(l.sent))]
	case n < 30:
		sent := keyed{request: several(random, len(l.heard)), key: 1 + random.IntN(keys)}
		l.sent = append(l.sent, sent)
		a.request = sent
	case n < 34:
		a.request = tried{posting{anyMove(random)}}
	default:
		a.request = several(random, len(l.heard))
	}
	return a
}

// several is one request, or now and then a bulk. There are about so many transactions to ask about.
func several(random *rand.Rand, transactions int) request {
	if random.IntN(10) > 0 {
		return single(random, transactions)
	}
	var b bulk
	for range 2 + random.IntN(2) {
		b.parts = append(b.parts, single(random, transactions))
	}
	return b
}

func single(random *rand.Rand, transactions int) request {
	account, id := random.IntN(purses), 1+random.IntN(transactions+2)
	switch random.IntN(32) {
	default:
		return posting{anyMove(random)}
	case 0, 1, 2:
		return holding{anyMove(random)}
	case 3, 4, 5, 6:
		return capture{
			id: 1 + random.IntN(transactions/3+2), amount: max(0, random.IntN(40)-10), final: random.IntN(2) == 0,
			reference: anyReference(random),
		}
	case 7:
		return void{1 + random.IntN(transactions/3+2)}
	case 8, 9:
		return revert{id: id, force: random.IntN(3) == 0, reroute: random.IntN(2) == 0}
	case 10:
		return openAccount{account: account, limits: random.IntN(len(ownLimits)), note: anyNote(random)}
	case 11, 12:
		return closeAccount{account}
	case 13, 14:
		return reopenAccount{account}
	case 15, 16:
		return noteAccount{account, random.IntN(len(noteKeys)), random.IntN(len(noteValues))}
	case 17, 18:
		return noteTransaction{id, random.IntN(len(noteKeys)), random.IntN(len(noteValues))}
	case 19, 20:
		return replaceChart{random.IntN(len(charts))}
	case 21:
		return closePeriod{-random.IntN(4)}
	case 22, 23:
		return reopenPeriod{-random.IntN(4)}
	case 24:
		return anyAssertion(random)
	}
}

func anyMove(random *rand.Rand) move {
	accounts := random.Perm(purses)
	if random.IntN(2) == 0 {
		accounts[0] = purses // the world gives or, less often, takes
	}
	m := move{
		from: accounts[:1], to: accounts[1], amount: 1 + random.IntN(40), sweep: []sweep{exactly, exactly, all, upTo}[random.IntN(4)],
		reference: anyReference(random), note: anyNote(random), reroute: random.IntN(2) == 0,
	}
	switch {
	case accounts[0] == purses && random.IntN(4) > 0:
		m.sweep = exactly
	case random.IntN(4) == 0:
		m.from, m.to = accounts[1:3], accounts[0]
	case random.IntN(3) == 0:
		m.from, m.to = []int{accounts[1]}, accounts[0]
	}
	if random.IntN(3) == 0 {
		m.day = -random.IntN(4)
	}
	if random.IntN(8) == 0 {
		m.demand = demand{
			account: random.IntN(purses), sign: anySign(random), amount: random.IntN(30), available: random.IntN(2) == 0,
		}
	}
	return m
}

func anyAssertion(random *rand.Rand) declare {
	d := declare{until: never, sign: anySign(random), amount: random.IntN(30), pattern: "users:*", accounts: []int{0, 1, 2, 3}}
	if account := random.IntN(2 * purses); account < purses {
		d.pattern, d.accounts = string(purse(account)), []int{account}
	}
	if random.IntN(3) == 0 {
		d.until = -random.IntN(3)
	}
	return d
}

func anySign(random *rand.Rand) string { return []string{">=", "<=", "="}[random.IntN(3)] }

func anyNote(random *rand.Rand) string { return noteValues[random.IntN(len(noteValues))] }

// anyReference is mostly none.
func anyReference(random *rand.Rand) int { return max(0, random.IntN(5*references)-4*references+1) }
