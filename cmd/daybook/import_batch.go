package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/journal"
	"github.com/daybook-ledger/daybook/internal/render"
)

// batch is what is to be sent, all of it checked.
type batch struct {
	count int
	items iter.Seq2[item, error]

	// opening is what an export says of its ledger, nil in other files. firstTransaction and firstHold are the references
	// of those that have number 1 there.
	opening                     *client.NewLedger
	firstTransaction, firstHold string
}

// item is one command, with what it should have led to if its reference is taken or its account is open; or the opening of
// a ledger.
type item struct {
	at   string // file:line
	body client.Command
	// command is what body says, nil where that is sent by itself.
	command ledger.Command
	opening *client.NewLedger
}

// note keeps of an item what has to be known of the whole batch.
func (b *batch) note(it *item) {
	if it.opening != nil {
		b.opening = it.opening
	}
	first := &b.firstTransaction
	if _, hold := it.command.(ledger.PlaceHold); hold {
		first = &b.firstHold
	}
	if movement, moves := it.movement(); moves && *first == "" {
		*first = movement.Reference
	}
}

// movement gives what a command moves that has a reference.
func (it *item) movement() (m ledger.Movement, moves bool) {
	switch c := it.command.(type) {
	case ledger.PostTransaction:
		return c.Movement, true
	case ledger.PlaceHold:
		return c.Movement, true
	case ledger.CaptureHold:
		return c.Movement, true
	default:
		return m, false
	}
}

// posts tells whether a command leads to a transaction.
func (it *item) posts() bool {
	switch it.command.(type) {
	case ledger.PostTransaction, ledger.CaptureHold, ledger.RevertTransaction:
		return true
	default:
		return false
	}
}

// numbered tells whether a command is about a transaction or a hold that it names by its number.
func (it *item) numbered() bool {
	switch it.command.(type) {
	case ledger.CaptureHold, ledger.VoidHold, ledger.RevertTransaction, ledger.SetTransactionMetadata:
		return true
	default:
		return false
	}
}

// read checks the whole source and gives what is to be sent.
func (c *importCmd) read(source *source) (*batch, error) {
	isNDJSON := c.Format == "ndjson"
	if c.Format == "auto" {
		var err error
		if isNDJSON, err = source.isNDJSON(); err != nil {
			return nil, err
		}
	}
	if !isNDJSON {
		return readJournal(source, journal.Options{Real: c.Real})
	}
	if c.Real {
		return nil, errors.New("--real is about journals, and this is NDJSON")
	}
	return readNDJSON(source)
}

func readJournal(source *source, options journal.Options) (*batch, error) {
	var parsed *journal.Journal
	var err error
	if source.temp {
		content, rewound := source.rewind()
		if rewound != nil {
			return nil, rewound
		}
		parsed, err = journal.Parse(source.path, content, options)
	} else {
		parsed, err = journal.ParseFile(source.path, options)
	}
	if err != nil {
		return nil, fmt.Errorf("nothing was imported:\n%w", err)
	}
	items := make([]item, len(parsed.Transactions))
	var faults faults
	for i := range parsed.Transactions {
		faults.add(items[i].fromJournal(source.name, &parsed.Transactions[i]))
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return &batch{count: len(items), items: func(yield func(item, error) bool) {
		for _, one := range items {
			if !yield(one, nil) {
				return
			}
		}
	}}, nil
}

// fromJournal makes the command that posts a transaction of a journal.
func (it *item) fromJournal(name string, transaction *journal.Transaction) error {
	it.at = transaction.File + ":" + strconv.Itoa(transaction.Line)
	reference := name + "#" + strconv.Itoa(transaction.Index)
	if transaction.Part > 1 {
		reference += "." + strconv.Itoa(transaction.Part)
	}
	post := ledger.PostTransaction{Movement: ledger.Movement{
		EffectiveAt: transaction.Date, Reference: reference,
		Description: transaction.Description, Metadata: transaction.Metadata,
	}}
	if err := takeExported(&post); err != nil {
		return fmt.Errorf("%s: %w", it.at, err)
	}
	for _, one := range transaction.Entries {
		entry, err := entryOf(one)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", transaction.File, one.Line, err)
		}
		post.Entries = append(post.Entries, entry)
	}
	if err := ledger.Validate(post); err != nil {
		return fmt.Errorf("%s: %w", it.at, err)
	}
	it.command = post
	data, err := json.Marshal(requestOf(&post))
	it.body = client.Command{Type: client.PostTransaction, Data: data}
	return err
}

// takeExported takes what export says in tags because journals have no syntax for it.
func takeExported(post *ledger.PostTransaction) error {
	if reference, given := post.Metadata[tagReference]; given {
		post.Reference = reference
		delete(post.Metadata, tagReference)
	}
	if text, given := post.Metadata[tagEffectiveAt]; given {
		moment, err := httpx.ParseMoment(text)
		if err != nil {
			return fmt.Errorf("the tag %s: %w", tagEffectiveAt, err)
		}
		if !moment.Time.Truncate(24 * time.Hour).Equal(post.EffectiveAt) {
			return fmt.Errorf("the tag %s says another day than %s", tagEffectiveAt, post.EffectiveAt.Format(time.DateOnly))
		}
		post.EffectiveAt = moment.Time
		delete(post.Metadata, tagEffectiveAt)
	}
	return nil
}

func entryOf(one journal.Entry) (entry ledger.Entry, err error) {
	if entry.Account, err = address.Parse(one.Account); err != nil {
		return entry, err
	}
	if entry.Asset, err = money.ParseAsset(one.Asset); err != nil {
		return entry, err
	}
	if one.Amount.Sign() < 0 {
		entry.Side = ledger.Credit
	}
	entry.Amount, err = money.ParseAmount(new(big.Int).Abs(one.Amount).String())
	return entry, err
}

// requestOf is a transaction as the API takes it.
func requestOf(post *ledger.PostTransaction) client.NewTransaction {
	request := client.NewTransaction{
		EffectiveAt: post.EffectiveAt.Format(time.RFC3339Nano), Late: string(post.Late), Reference: post.Reference,
		Description: post.Description, Metadata: post.Metadata,
	}
	for i := range post.Entries {
		request.Entries = append(request.Entries, render.Entry(&post.Entries[i]))
	}
	return request
}

// faults are what is wrong with a source, a bounded number of them.
type faults []error

func (f *faults) add(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

func (f *faults) full() bool {
	const most = 20
	return len(*f) >= most
}

func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return fmt.Errorf("nothing was imported:\n%w", errors.Join(*f...))
}
