package commands

import (
	"maps"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// The types of commands in a bulk that are read by [plain] too.
const (
	typePostTransaction = "post_transaction"
	typeOpenAccount     = "open_account"
)

// itemTypes decode the data of the commands of a bulk, by their type. What has its subject in the path of a request of its
// own has it as a field here.
//
//nolint:gochecknoglobals // a table
var itemTypes = map[string]func(data []byte) (ledger.Command, *httpx.Problem){
	typePostTransaction:        decodeInto((*transactionBody).item),
	typeOpenAccount:            decodeInto((*accountBody).command),
	"place_hold":               decodeInto((*holdBody).item),
	"capture_hold":             decodeInto((*captureItem).command),
	"void_hold":                decodeInto((*voidItem).command),
	"revert_transaction":       decodeInto((*revertItem).command),
	"set_account_metadata":     decodeInto((*accountMetadataItem).command),
	"set_transaction_metadata": decodeInto((*transactionMetadataItem).command),
}

var wantType = "want one of " + strings.Join(slices.Sorted(maps.Keys(itemTypes)), ", ") //nolint:gochecknoglobals // a text

func decodeInto[T any](command func(*T) (ledger.Command, *httpx.Problem)) func([]byte) (ledger.Command, *httpx.Problem) {
	return func(data []byte) (ledger.Command, *httpx.Problem) {
		body := new(T)
		if err := httpx.DecodeJSON(data, body); err != nil {
			return nil, httpx.AsProblem(err)
		}
		return command(body)
	}
}

type captureItem struct {
	captureBody

	ID *uint64 `json:"id"`
}

func (b *captureItem) command() (ledger.Command, *httpx.Problem) {
	return b.captureBody.command(identify(b.ID))
}

type voidItem struct {
	reasonBody

	ID *uint64 `json:"id"`
}

func (b *voidItem) command() (ledger.Command, *httpx.Problem) {
	id, f := identify(b.ID)
	cmd := ledger.VoidHold{ID: id, Reason: b.Reason}
	return cmd, f.validated(cmd)
}

type revertItem struct {
	revertBody

	ID *uint64 `json:"id"`
}

func (b *revertItem) command() (ledger.Command, *httpx.Problem) {
	return b.revertBody.command(identify(b.ID))
}

type accountMetadataItem struct {
	metadataBody

	Address string `json:"address"`
}

func (b *accountMetadataItem) command() (ledger.Command, *httpx.Problem) {
	var f faults
	account, fault := parseAddress(b.Address)
	if fault != "" {
		f.add("/address", fault)
	}
	return b.ofAccount(account, f)
}

type transactionMetadataItem struct {
	metadataBody

	ID *uint64 `json:"id"`
}

func (b *transactionMetadataItem) command() (ledger.Command, *httpx.Problem) {
	id, f := identify(b.ID)
	return b.ofTransaction(id, f)
}

// identify reads the number of what a command is about.
func identify(id *uint64) (uint64, faults) {
	if id == nil {
		var f faults
		f.add("/id", required)
		return 0, f
	}
	return *id, nil
}

// placeholder stands for the account in the path while the shape of the rest is tested: that no account can have the
// address of the path means that it does not exist, rather than that a field is wrong.
const placeholder address.Address = "placeholder"
