package commands

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// The bodies of requests as clients send them. Fields that must tell "absent" from "empty" are pointers.

type ledgerBody struct {
	Name     string     `json:"name"`
	Template *string    `json:"template"`
	Chart    *chartBody `json:"chart"`
	Metadata metadata   `json:"metadata"`
}

type chartBody struct {
	Undeclared string         `json:"undeclared"`
	Rules      list[ruleBody] `json:"rules"`
}

type ruleBody struct {
	Pattern    string       `json:"pattern"`
	AnyCase    bool         `json:"any_case"`
	Type       string       `json:"type"`
	MinBalance numeral      `json:"min_balance"`
	MaxBalance numeral      `json:"max_balance"`
	Assets     list[string] `json:"assets"`
}

type accountBody struct {
	Address    string   `json:"address"`
	Type       *string  `json:"type"`
	MinBalance numeral  `json:"min_balance"`
	MaxBalance numeral  `json:"max_balance"`
	Metadata   metadata `json:"metadata"`
}

// movementBody is what all bodies have in common that move amounts.
type movementBody struct {
	Transfers   *list[transferBody] `json:"transfers"`
	Entries     *list[entryBody]    `json:"entries"`
	EffectiveAt *string             `json:"effective_at"`
	Late        *string             `json:"late"`
	Reference   *string             `json:"reference"`
	Description string              `json:"description"`
	Metadata    metadata            `json:"metadata"`

	// Room for what the fields above point to, which is used again for one body after another; last outlives them.
	last                           lastAsset
	transferSpace                  list[transferBody]
	entrySpace                     list[entryBody]
	effectiveSpace, referenceSpace string
}

type transactionBody struct {
	movementBody

	Preconditions list[preconditionBody] `json:"preconditions"`
	DryRun        bool                   `json:"dry_run"`
}

type transferBody struct {
	From   sourcesBody      `json:"from"`
	To     destinationsBody `json:"to"`
	Asset  string           `json:"asset"`
	Amount amountBody       `json:"amount"`
}

type preconditionBody struct {
	Account   string     `json:"account"`
	Asset     string     `json:"asset"`
	Balance   boundsBody `json:"balance"`
	Available boundsBody `json:"available"`
}

type boundsBody struct {
	GTE numeral `json:"gte"`
	LTE numeral `json:"lte"`
	EQ  numeral `json:"eq"`
}

type entryBody struct {
	Account string  `json:"account"`
	Asset   string  `json:"asset"`
	Debit   numeral `json:"debit"`
	Credit  numeral `json:"credit"`
}

type bulkBody struct {
	Atomic   bool               `json:"atomic"`
	Commands *list[commandBody] `json:"commands"`
}

type commandBody struct {
	Type string         `json:"type"`
	Key  *string        `json:"idempotency_key"`
	Data jsontext.Value `json:"data"`
}

// list is an array that keeps one item more than any list may have: enough to tell that it is too long. The rest is read
// and dropped, since an item takes far more memory than the "{}" that a hostile request needs for it.
type list[T any] []T

// most is the greatest number of items that a list of this kind may have.
func (l *list[T]) most() int {
	switch any(l).(type) {
	case *list[transferBody], *list[entryBody]:
		return ledger.MaxEntries
	default: // commands, rules, and the assets of a rule
		return maxRules
	}
}

// next gives the place that the next item is read into.
func (l *list[T]) next() *T {
	if most := l.most(); len(*l) <= most {
		*l = append(*l, *new(T))
	} else {
		clear((*l)[most:])
	}
	return &(*l)[len(*l)-1]
}

// UnmarshalJSONFrom reads an array.
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	if kind != '[' {
		return &json.SemanticError{JSONKind: kind, Err: errList}
	}
	*l = (*l)[:0]
	for dec.PeekKind() != ']' {
		if err := json.UnmarshalDecode(dec, l.next()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// numeral is a whole number that comes as a JSON string or as a JSON number, with all its digits.
type numeral struct {
	text  string
	given bool
}

// UnmarshalJSONFrom keeps the digits as they came: whether they make an amount is a question of value, not of type.
func (n *numeral) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	switch kind { //nolint:exhaustive // all others are refused
	case 'n':
		*n = numeral{}
	case '"', '0':
		*n = numeral{text: token.String(), given: true}
	default:
		return &json.SemanticError{JSONKind: kind, Err: errNumeral}
	}
	return nil
}

// metadata is a flat object of texts. Unlike a map it refuses null as a value, which would become an empty text.
type metadata map[string]string

// UnmarshalJSONFrom reads an object of strings.
func (m *metadata) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	switch kind { //nolint:exhaustive // all others are refused
	case 'n':
		*m = nil
		return nil
	case '{':
	default:
		return &json.SemanticError{JSONKind: kind, Err: errMetadata}
	}
	read := metadata{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		kind := dec.PeekKind()
		value, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if kind != '"' {
			return &json.SemanticError{JSONKind: kind, JSONPointer: dec.StackPointer(), Err: errMetadata}
		}
		read[key] = value.String()
	}
	*m = read
	_, err := dec.ReadToken()
	return err
}

var (
	errNumeral  = errors.New("want a whole number, as a string of digits or a JSON integer")
	errList     = errors.New("want an array")
	errMetadata = errors.New("want an object of strings")
)
