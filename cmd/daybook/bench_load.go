package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

func benchAccount(i int) string { return string(appendAccount(nil, i)) }

// appendAccount writes the address of an account, such as users:000042.
func appendAccount(body []byte, i int) []byte {
	body = append(body, "users:"...)
	for limit := 100_000; limit > 1 && i < limit; limit /= 10 {
		body = append(body, '0')
	}
	return strconv.AppendInt(body, int64(i), 10)
}

// pairs picks two different accounts at random; where hot is set one of them is always the same.
func pairs(accounts int, hot bool, seed uint64) func() (from, to int) {
	random := rand.New(rand.NewPCG(seed, 2026)) //nolint:gosec // a load need not be unpredictable
	return func() (from, to int) {
		from, to = random.IntN(accounts), random.IntN(accounts-1)
		if hot {
			from = 0
		}
		if to >= from {
			to++
		}
		return from, to
	}
}

// postSource makes requests of one transaction, for one ledger after another.
func postSource(host string, ledgers []string, seed uint64, pick func() (from, to int)) loadgen.Source {
	var body []byte
	next := inTurn(ledgers, seed, transactionsPath)
	return func(buf []byte) []byte {
		from, to := pick()
		body = appendTransfer(body[:0], from, to, "")
		return loadgen.Post(buf, host, next(), body)
	}
}

// inTurn gives the paths of what ledgers have, one after another, beginning where a seed says.
func inTurn(ledgers []string, seed uint64, below string) func() string {
	paths := make([]string, len(ledgers))
	for i := range ledgers {
		paths[i] = ledgersPath + ledgers[i] + below
	}
	i := seed
	return func() string {
		i++
		return paths[i%uint64(len(paths))]
	}
}

// postLoad is single transactions over so many connections.
func postLoad(host string, connections, accounts int, hot bool) loadgen.Load {
	return over(loadgen.Load{Address: host, Status: http.StatusCreated}, connections, func(host string, seed uint64) loadgen.Source {
		return postSource(host, []string{benchLedgerName}, seed, pairs(accounts, hot, seed))
	})
}

// bulkSource makes bulk requests of so many transactions, for one ledger after another.
func bulkSource(host string, ledgers []string, seed uint64, size int, pick func() (from, to int)) loadgen.Source {
	var body []byte
	next := inTurn(ledgers, seed, bulkPath)
	return func(buf []byte) []byte {
		body = appendBulk(body[:0], size, func(b []byte, _ int) []byte {
			from, to := pick()
			return appendTransfer(b, from, to, "")
		})
		return loadgen.Post(buf, host, next(), body)
	}
}

// appendBulk writes a bulk of transactions, each of which a function writes.
func appendBulk(body []byte, size int, transaction func(body []byte, i int) []byte) []byte {
	body = append(body, `{"atomic":false,"commands":[`...)
	for i := range size {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"type":"post_transaction","data":`...)
		body = append(transaction(body, i), '}')
	}
	return append(body, `]}`...)
}

// appendTransfer writes a transaction of one transfer of the least amount, effective on a day if one is given.
func appendTransfer(body []byte, from, to int, day string) []byte {
	body = append(body, `{"transfers":[{"from":"`...)
	body = appendAccount(body, from)
	body = append(body, `","to":"`...)
	body = appendAccount(body, to)
	body = append(body, `","asset":"`+benchAsset+`","amount":"1"}]`...)
	if day != "" {
		body = append(body, `,"effective_at":"`...)
		body = append(append(body, day...), '"')
	}
	return append(body, '}')
}

// acceptedOf counts the results of bulks of a size. What was neither accepted nor refused because too much was waiting
// should not have happened.
func acceptedOf(size int) func(body []byte) (accepted, refused int, err error) {
	return func(body []byte) (accepted, refused int, err error) {
		accepted = bytes.Count(body, []byte(`{"status":201,`))
		if accepted == size { // nearly always, and to count costs some of the processor that the server needs
			return accepted, 0, nil
		}
		refused = bytes.Count(body, []byte(`{"status":503,`))
		if all := bytes.Count(body, []byte(`{"status":`)); all == 0 || accepted+refused != all {
			return accepted, refused, fmt.Errorf("%d of %d transactions of a bulk were accepted: %.500s", accepted, all, body)
		}
		return accepted, refused, nil
	}
}

// over gives a load the sources of so many connections.
func over(load loadgen.Load, connections int, source func(host string, seed uint64) loadgen.Source) loadgen.Load {
	for i := range connections {
		load.Sources = append(load.Sources, source(load.Address, uint64(i)))
	}
	return load
}
