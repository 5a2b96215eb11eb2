package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

const (
	// fillBatch is how many transactions go into one request while a ledger is filled, and fillConnections over how many
	// connections.
	fillBatch       = 500
	fillConnections = 8
	// fundingAmount is more than a load ever takes from an account.
	fundingAmount = "1000000000"
	// filledDays is how many days the transactions of a filled ledger are spread over, in order.
	filledDays = 365
)

// appender writes the i-th transaction of a fill. It is not called concurrently.
type appender func(body []byte, i int) []byte

// fund posts one transaction to each account from one number to another, which opens it.
func (s *benchServer) fund(ctx context.Context, from, to int, done func(int)) error {
	day := dayOf(0, 1)
	return s.fill(ctx, from, to, done, func(uint64) appender {
		return func(b []byte, i int) []byte {
			b = append(b, `{"transfers":[{"from":"world","to":"`...)
			b = appendAccount(b, i)
			return append(b, `","asset":"`+benchAsset+`","amount":"`+fundingAmount+`"}],"effective_at":"`+day+`"}`...)
		}
	})
}

// transfer posts the transactions from one number to another of a history of a length, between random accounts, day after
// day.
func (s *benchServer) transfer(ctx context.Context, from, to, length, accounts int, done func(int)) error {
	return s.fill(ctx, from, to, done, func(seed uint64) appender {
		pick := pairs(accounts, false, uint64(from)+seed)
		return func(b []byte, i int) []byte {
			a, z := pick()
			return appendTransfer(b, a, z, dayOf(i, length))
		}
	})
}

// dayOf is the day that the i-th of a number of transactions is effective on: the first long ago, the last yesterday.
func dayOf(i, of int) string {
	return time.Now().UTC().AddDate(0, 0, filledDays*i/of-filledDays).Format(time.DateOnly)
}

// fill posts transactions in bulk, by their numbers, about in order. Each connection has an appender of its own.
func (s *benchServer) fill(ctx context.Context, from, to int, done func(int), appenders func(seed uint64) appender) error {
	before := s.posted
	count := acceptedOf(fillBatch)
	load := loadgen.Load{Address: s.Address, Status: http.StatusOK, Accepted: func(body []byte) (int, int, error) {
		accepted, refused, err := count(body)
		done(accepted)
		return accepted, refused, err
	}}
	batches := &batches{next: from, end: to}
	load = over(load, fillConnections, func(host string, seed uint64) loadgen.Source {
		var body []byte
		transaction := appenders(seed)
		return func(buf []byte) []byte {
			first, size := batches.take()
			if size == 0 {
				return nil
			}
			body = appendBulk(body[:0], size, func(b []byte, i int) []byte { return transaction(b, first+i) })
			return loadgen.Post(buf, host, ledgersPath+s.ledger+bulkPath, body)
		}
	})
	if _, err := s.send(ctx, load); err != nil {
		return fmt.Errorf("fill the ledger: %w", err)
	}
	if accepted := s.posted - before; accepted != to-from {
		return fmt.Errorf("fill the ledger: %d of %d transactions were accepted", accepted, to-from)
	}
	return nil
}

// batches hands out numbers, a batch at a time, to all connections.
type batches struct {
	mu        sync.Mutex
	next, end int
}

func (b *batches) take() (first, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first = b.next
	b.next = min(b.end, first+fillBatch)
	return first, b.next - first
}
