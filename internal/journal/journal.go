// Package journal reads the journals of hledger and ledger and turns them into balanced, exact transactions in
// Daybook's terms: addresses, assets, whole smallest units.
//
// It decides as hledger does, on what the syntax means and on whether a transaction balances; what it does not
// understand, or what cannot be said exactly in whole units, is an error that names file, line and reason. Nothing is
// passed over in silence, no amount ever is a floating point number, and no clock is read.
//
// Data come in as text ([Parse], [ParseFile], and the files that those include). They go out as a [Journal] to the
// command line's import. The package knows no server and no other room: whether an account address or a whole
// transaction has the shape that a ledger takes is the importer's to check.
//
// Reading order: journal.go, reader.go, directive.go, entry.go, posting.go, comment.go, date.go, amount.go, number.go,
// decimal.go, then balance.go, assert.go, asset.go, convert.go.
package journal

import (
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"time"
)

// ConversionAccount takes what a transaction leaves over in a commodity (where it has costs), or on a day (where its
// postings have dates of their own), so that every transaction balances in each asset.
const ConversionAccount = "equity:conversion"

// Journal is what a journal file says.
type Journal struct {
	Transactions []Transaction
	// PassedOver counts the transactions that move nothing: all their amounts are zero, or virtual and left out.
	PassedOver int
}

// Transaction is one transaction of the file, or that part of one that counts on one day.
type Transaction struct {
	File string
	Line int
	// Index numbers the transactions of the journal from 1, those that were passed over included. Part is 1, and 2, 3 …
	// for the parts of a transaction whose postings have dates of their own.
	Index, Part int
	// Date is when the transaction counts: midnight UTC.
	Date        time.Time
	Description string
	// Metadata has the code ("code"), the status ("status": "cleared" or "pending"), a secondary date ("date2") and
	// the tags. Other comments are not kept.
	Metadata map[string]string
	// Entries balance to zero in each asset. None is zero.
	Entries []Entry
}

// Entry is one line of a transaction.
type Entry struct {
	Account string
	// Asset is CODE/scale, or CODE where the scale is 0.
	Asset string
	// Amount is in whole units of 10^-scale: positive is a debit, negative a credit.
	Amount *big.Int
	Line   int
}

// Options say how to read.
type Options struct {
	// Real leaves virtual postings out, those in brackets as well as those in parentheses, as hledger --real does.
	Real bool
}

// maxErrors bounds how many errors are collected before reading stops.
const maxErrors = 20

// Error is one thing that is wrong with a journal.
type Error struct {
	File   string
	Line   int
	Reason string
}

// Error is "file:line: reason".
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// Errors are what is wrong with a journal, in the order in which it was found; at most 20 are collected.
type Errors []*Error

// Error has one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// ParseFile reads a journal file and those that it includes. What is wrong with the text comes as [Errors].
func ParseFile(path string, options Options) (*Journal, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	defer file.Close()
	return parse(path, file, options, true)
}

// Parse reads a journal from a stream that has no place in the file system: include is refused. The name stands for
// the file in errors.
func Parse(name string, source io.Reader, options Options) (*Journal, error) {
	return parse(name, source, options, false)
}

func parse(name string, source io.Reader, options Options, mayInclude bool) (*Journal, error) {
	r := newReader(mayInclude)
	if err := r.readAll(name, source); err != nil {
		return nil, err
	}
	if r.problems.full() {
		return nil, r.problems.list
	}
	scales := writtenScales(r.entries)
	balanceAll(r.entries, scales, &r.problems)
	if len(r.problems.list) > 0 {
		return nil, r.problems.list
	}
	journal := convertAll(r.entries, scales, options, &r.problems)
	if len(r.problems.list) > 0 {
		return nil, r.problems.list
	}
	return journal, nil
}

// place is where something stands in the text.
type place struct {
	file string
	line int
}

func (p place) errorf(format string, args ...any) *Error {
	return &Error{File: p.file, Line: p.line, Reason: fmt.Sprintf(format, args...)}
}

// problems collects errors, a bounded number of them.
type problems struct{ list Errors }

func (p *problems) add(err *Error) {
	if err != nil && !p.full() {
		p.list = append(p.list, err)
	}
}

func (p *problems) full() bool { return len(p.list) >= maxErrors }
