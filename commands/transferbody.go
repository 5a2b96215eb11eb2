package commands

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The parts of a transfer that come in more than one form.

// sourcesBody is one account's address, or a list of accounts in the order in which they give.
type sourcesBody struct {
	one    string
	listed bool
	list   []sourceBody
}

type sourceBody struct {
	Account string  `json:"account"`
	UpTo    numeral `json:"up_to"`
}

// destinationsBody is one account's address, or a list of accounts with what each takes.
type destinationsBody struct {
	one    string
	listed bool
	list   []destinationBody
}

type destinationBody struct {
	Account   string  `json:"account"`
	Share     *string `json:"share"`
	Remainder bool    `json:"remainder"`
}

// amountBody is an amount, "all", or the amount of {"up_to": …}.
type amountBody struct {
	numeral

	bounded bool
}

// UnmarshalJSONFrom reads either form.
func (b *sourcesBody) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*b = sourcesBody{listed: dec.PeekKind() == '['}
	return oneOrList(dec, &b.one, &b.list)
}

// UnmarshalJSONFrom reads either form.
func (b *destinationsBody) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*b = destinationsBody{listed: dec.PeekKind() == '['}
	return oneOrList(dec, &b.one, &b.list)
}

func oneOrList(dec *jsontext.Decoder, one *string, list any) error {
	switch kind := dec.PeekKind(); kind { //nolint:exhaustive // all others are refused
	case '[':
		return json.UnmarshalDecode(dec, list)
	case '"', 'n':
		return json.UnmarshalDecode(dec, one)
	default:
		return refuse(dec, kind, errOneOrList)
	}
}

// UnmarshalJSONFrom reads any of the forms.
func (b *amountBody) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*b = amountBody{bounded: dec.PeekKind() == '{'}
	if !b.bounded {
		return b.numeral.UnmarshalJSONFrom(dec)
	}
	var most struct {
		UpTo numeral `json:"up_to"`
	}
	err := json.UnmarshalDecode(dec, &most)
	b.numeral = most.UpTo
	return err
}

// refuse reads the value that is not wanted, so that the fault has its place.
func refuse(dec *jsontext.Decoder, kind jsontext.Kind, because error) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	return &json.SemanticError{JSONKind: kind, Err: because}
}

var errOneOrList = errors.New("want the address of an account, or a list of accounts")
