package commands

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// metadataBody is a merge patch of something of which metadata alone can be changed.
type metadataBody struct {
	Metadata patch `json:"metadata"`
}

// patch is a merge patch of metadata: a text for a key sets it, null removes it. Nil where none is given.
type patch ledger.MetadataPatch

func (h *Handlers) setAccountMetadata(c echo.Context) error {
	var body metadataBody
	key, err := h.readPatch(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.ofAccount(placeholder, nil)
	if problem != nil {
		return problem
	}
	set, _ := cmd.(ledger.SetAccountMetadata)
	set.Address = accountInPath(c)
	return aboutPath(c, h.inLedger(c, set, key, false))
}

func (h *Handlers) setTransactionMetadata(c echo.Context) error {
	var body metadataBody
	key, err := h.readPatch(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.ofTransaction(numberInPath(c), nil)
	if problem != nil {
		return problem
	}
	return aboutPath(c, h.inLedger(c, cmd, key, false))
}

func (b *metadataBody) ofAccount(account address.Address, f faults) (ledger.Command, *httpx.Problem) {
	b.given(&f)
	cmd := ledger.SetAccountMetadata{Address: account, Patch: ledger.MetadataPatch(b.Metadata)}
	return cmd, f.validated(cmd)
}

func (b *metadataBody) ofTransaction(id uint64, f faults) (ledger.Command, *httpx.Problem) {
	b.given(&f)
	cmd := ledger.SetTransactionMetadata{ID: id, Patch: ledger.MetadataPatch(b.Metadata)}
	return cmd, f.validated(cmd)
}

// given demands the one field. That null would remove all metadata at once is not offered: more often it is a mistake.
func (b *metadataBody) given(f *faults) {
	if b.Metadata == nil {
		f.add("/metadata", "want an object: a text sets a key, null removes it")
	}
}

// UnmarshalJSONFrom reads an object of strings and nulls.
func (p *patch) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	switch kind { //nolint:exhaustive // all others are refused
	case 'n':
		*p = nil
		return nil
	case '{':
	default:
		return &json.SemanticError{JSONKind: kind, Err: errPatch}
	}
	read := patch{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		kind := dec.PeekKind()
		value, err := dec.ReadToken()
		switch {
		case err != nil:
			return err
		case kind == 'n':
			read[key] = nil
		case kind == '"':
			text := value.String()
			read[key] = &text
		default:
			return &json.SemanticError{JSONKind: kind, JSONPointer: dec.StackPointer(), Err: errPatch}
		}
	}
	*p = read
	_, err := dec.ReadToken()
	return err
}

var errPatch = errors.New("want an object of strings and nulls")
