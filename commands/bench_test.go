package commands_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// instant accepts every transaction at once: what is left is the cost of the handlers.
func instant(_ context.Context, _ string, unit commands.Unit) (commands.Result, error) {
	answers := make([]engine.Answer[ledger.Event], len(unit.Commands))
	for i, c := range unit.Commands {
		posted := ledger.TransactionPosted{ID: 7, EffectiveAt: clock()}
		if p, ok := c.Command.(ledger.PostTransaction); ok {
			posted.Entries = p.Entries
			for _, t := range p.Transfers {
				posted.Entries = append(posted.Entries,
					ledger.Entry{Account: t.From[0].Account, Asset: t.Asset, Side: ledger.Debit, Amount: t.Amount.Exactly},
					ledger.Entry{Account: t.To[0].Account, Asset: t.Asset, Side: ledger.Credit, Amount: t.Amount.Exactly})
			}
		}
		e := engine.Event[ledger.Event]{Event: posted, Revision: 8}
		e.Envelope.RecordedAt, e.Envelope.Actor = clock(), unit.Actor
		answers[i].Events = []engine.Event[ledger.Event]{e}
	}
	return commands.Result{Answers: answers, Exists: true, Revision: 8}, nil
}

func instantHouse(b *testing.B) *house {
	return houseOver(b, memstore.New(), func(commands.Submitter) commands.Submitter { return submitFunc(instant) })
}

// discarded is a response writer that keeps the status alone.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(status int)      { d.status = status }

// drive sends the same request again and again, past the network.
func drive(b *testing.B, e *echo.Echo, path, media, body string, headers ...string) {
	b.Helper()
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header.Set("Content-Type", media)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.ContentLength = int64(len(body))
	reader := bytes.NewReader(nil)
	r.Body = struct {
		*bytes.Reader
		nopCloser
	}{reader, nopCloser{}}
	w := &discarded{header: http.Header{}}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		reader.Reset([]byte(body))
		clear(w.header)
		e.ServeHTTP(w, r)
	}
}

type nopCloser struct{}

func (nopCloser) Close() error { return nil }

func BenchmarkPostTransaction(b *testing.B) {
	drive(b, instantHouse(b).echo, toTransactions, httpx.MediaJSON, pay("users:alice", "users:bob", "1050"))
}

func BenchmarkPostTransactionWithKey(b *testing.B) {
	drive(b, instantHouse(b).echo, toTransactions, httpx.MediaJSON, pay("users:alice", "users:bob", "1050"),
		"Idempotency-Key", "0190c7a2-6f3e-7c11-9a5e-3f2b8f1f6a77")
}

// BenchmarkNoOp is what a plain Echo handler costs that binds the same body and answers with it.
func BenchmarkNoOp(b *testing.B) {
	e := echo.New()
	e.POST(toTransactions, func(c echo.Context) error {
		var body map[string]json.RawMessage
		if err := c.Bind(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, body)
	})
	drive(b, e, toTransactions, httpx.MediaJSON, pay("users:alice", "users:bob", "1050"))
}

func BenchmarkBulkOf100(b *testing.B) {
	var list []string
	for i := range 100 {
		list = append(list, post(pay("users:alice", fmt.Sprintf("users:%d", i), "1050")))
	}
	drive(b, instantHouse(b).echo, toBulk, httpx.MediaJSON, bulkOf(list...))
}

func BenchmarkStreamOf1000(b *testing.B) {
	var list []string
	for i := range 1000 {
		list = append(list, post(pay("users:alice", fmt.Sprintf("users:%d", i), "1050")))
	}
	drive(b, instantHouse(b).echo, toBulk, httpx.MediaNDJSON, strings.Join(list, "\n"))
}
