package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// readNDJSON checks every line, and then gives them one after the other from a second reading.
func readNDJSON(source *source) (*batch, error) {
	var faults faults
	count := 0
	for _, err := range lines(source) {
		var wrong *lineError
		if err != nil && !errors.As(err, &wrong) {
			return nil, err
		}
		faults.add(err)
		if faults.full() {
			break
		}
		count++
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return &batch{count: count, items: lines(source)}, nil
}

// lineError is what is wrong with one line.
type lineError struct {
	at  string
	err error
}

func (e *lineError) Error() string { return e.at + ": " + e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// lines yields the commands of a source, or the lineError of each line that is not one. Another error ends it.
func lines(source *source) func(yield func(item, error) bool) {
	return func(yield func(item, error) bool) {
		content, err := source.rewind()
		if err != nil {
			yield(item{}, err)
			return
		}
		reader := bufio.NewReaderSize(content, 1<<16)
		for number := 1; ; number++ {
			line, err := reader.ReadBytes('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				yield(item{}, fmt.Errorf("read %s: %w", source.path, err))
				return
			}
			if len(bytes.TrimSpace(line)) > 0 {
				it := item{at: source.path + ":" + strconv.Itoa(number)}
				wrong := it.fromLine(line, source.name+"#"+strconv.Itoa(number))
				if wrong != nil {
					wrong = &lineError{it.at, wrong}
				}
				if !yield(it, wrong) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// fromLine reads a command. A transaction without a reference gets one.
func (it *item) fromLine(line []byte, reference string) error {
	var command struct {
		Type string         `json:"type"`
		Key  string         `json:"idempotency_key"`
		Data jsontext.Value `json:"data"`
	}
	if err := strictly(line, &command); err != nil {
		return err
	}
	it.body = client.Command{Type: command.Type, IdempotencyKey: command.Key, Data: []byte(command.Data)}
	var err error
	switch command.Type {
	case client.PostTransaction:
		err = it.readTransaction(command.Data, reference)
	case client.OpenAccount:
		err = it.readAccount(command.Data)
	default:
		return fmt.Errorf("the type %q is not known: want %s or %s", command.Type, client.PostTransaction, client.OpenAccount)
	}
	if err != nil {
		return err
	}
	return ledger.Validate(it.command)
}

// strictly reads JSON as the server does, and tells faults in its words.
func strictly(data []byte, into any) error {
	if err := httpx.DecodeJSON(data, into); err != nil {
		return errors.New(httpx.AsProblem(err).Text())
	}
	return nil
}

// givenTransaction is a transaction as it stands in a line. Amounts are strings or whole numbers.
type givenTransaction struct {
	Transfers []struct {
		From   string         `json:"from"`
		To     string         `json:"to"`
		Asset  string         `json:"asset"`
		Amount jsontext.Value `json:"amount"`
	} `json:"transfers"`
	Entries []struct {
		Account string         `json:"account"`
		Asset   string         `json:"asset"`
		Debit   jsontext.Value `json:"debit"`
		Credit  jsontext.Value `json:"credit"`
	} `json:"entries"`
	EffectiveAt string            `json:"effective_at"`
	Reference   string            `json:"reference"`
	Description string            `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

var (
	errBothForms = errors.New("a transaction has transfers or entries, not both")
	errOneSide   = errors.New("an entry has a debit or a credit, not both")
)

func (it *item) readTransaction(data jsontext.Value, reference string) error {
	var given givenTransaction
	if err := strictly(data, &given); err != nil {
		return err
	}
	post := ledger.PostTransaction{Movement: ledger.Movement{Reference: given.Reference, Description: given.Description, Metadata: given.Metadata}}
	if given.Reference == "" {
		post.Reference = reference
		var members map[string]jsontext.Value
		if err := json.Unmarshal(data, &members); err != nil {
			return err
		}
		quoted, err := json.Marshal(reference)
		if err != nil {
			return err
		}
		members["reference"] = quoted
		if it.body.Data, err = json.Marshal(members, json.Deterministic(true)); err != nil {
			return err
		}
	}
	if given.EffectiveAt != "" {
		moment, err := httpx.ParseMoment(given.EffectiveAt)
		if err != nil {
			return fmt.Errorf("effective_at %q: %w", given.EffectiveAt, err)
		}
		post.EffectiveAt = moment.Time
	}
	err := given.entries(&post)
	it.command = post
	return err
}

func (g *givenTransaction) entries(post *ledger.PostTransaction) error {
	if len(g.Transfers) > 0 && len(g.Entries) > 0 {
		return errBothForms
	}
	add := func(account, asset string, side ledger.Side, amount jsontext.Value) error {
		entry := ledger.Entry{Side: side}
		var err error
		if entry.Account, err = address.Parse(account); err != nil {
			return err
		}
		if entry.Asset, err = money.ParseAsset(asset); err != nil {
			return err
		}
		if entry.Amount, err = amountOf(amount); err != nil {
			return err
		}
		post.Entries = append(post.Entries, entry)
		return nil
	}
	for _, t := range g.Transfers {
		if err := add(t.From, t.Asset, ledger.Debit, t.Amount); err != nil {
			return err
		}
		if err := add(t.To, t.Asset, ledger.Credit, t.Amount); err != nil {
			return err
		}
	}
	for _, e := range g.Entries {
		side, amount := ledger.Debit, e.Debit
		if isGiven(e.Credit) {
			side, amount = ledger.Credit, e.Credit
			if isGiven(e.Debit) {
				return errOneSide
			}
		}
		if err := add(e.Account, e.Asset, side, amount); err != nil {
			return err
		}
	}
	return nil
}

func isGiven(v jsontext.Value) bool { return len(v) > 0 && v.Kind() != 'n' }

func amountOf(v jsontext.Value) (amount money.Amount, err error) {
	if !isGiven(v) {
		return amount, errors.New("an amount is missing")
	}
	err = json.Unmarshal(v, &amount)
	return amount, err
}

func (it *item) readAccount(data jsontext.Value) error {
	var given struct {
		Address    string            `json:"address"`
		Type       string            `json:"type"`
		MinBalance *money.Signed     `json:"min_balance"`
		MaxBalance *money.Signed     `json:"max_balance"`
		Metadata   map[string]string `json:"metadata"`
	}
	if err := strictly(data, &given); err != nil {
		return err
	}
	account, err := address.Parse(given.Address)
	it.command = ledger.OpenAccount{
		Address: account, Type: ledger.AccountType(given.Type), Metadata: given.Metadata,
		Limits: ledger.Limits{Min: given.MinBalance, Max: given.MaxBalance},
	}
	return err
}

// sameTime tells whether a transaction counts when the command wanted it to; no time is any time.
func sameTime(wanted, actual time.Time) bool { return wanted.IsZero() || wanted.Equal(actual) }
