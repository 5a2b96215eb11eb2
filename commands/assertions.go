package commands

import (
	"math/big"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

type assertionBody struct {
	Account string  `json:"account"`
	Asset   string  `json:"asset"`
	At      *string `json:"at"`
	Equals  numeral `json:"equals"`
	GTE     numeral `json:"gte"`
	LTE     numeral `json:"lte"`
}

// declareAssertion declares an assertion and has it evaluated. The answer is the assertion as its first evaluation left it,
// whenever that was made: a request that is sent again has the same answer, and completes what a crash has left undone.
func (h *Handlers) declareAssertion(c echo.Context) error {
	var body assertionBody
	key, err := h.read(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.command()
	if problem != nil {
		return problem
	}
	name, err := ledgerName(c)
	if err != nil {
		return err
	}
	result, err := h.submitOne(c, name, cmd, key, false)
	if err != nil {
		return err
	}
	a := &result.Answers[0]
	declared, _ := a.Events[0].Event.(ledger.AssertionDeclared)
	verdict, err := h.upkeep.verdict(c.Request().Context(), name, &a.Events[0])
	if err != nil {
		return evaluationFailed(declared.ID, err)
	}
	buf := buffers.get()
	defer buffers.put(buf)
	*buf = append(*buf, '{')
	*buf = appendAssertion(*buf, &declared, &a.Events[0], &verdict)
	*buf = append(*buf, `,"revision":`...)
	*buf = strconv.AppendUint(*buf, uint64(verdict.Revision), 10)
	*buf = append(*buf, '}')
	return writeAnswer(c, name, []event{a.Events[0], verdict}, a.Replayed, *buf)
}

func (b *assertionBody) command() (ledger.Command, *httpx.Problem) {
	var f faults
	var cmd ledger.DeclareAssertion
	var fault string
	if b.Account == "" {
		f.add("/account", required)
	} else if pattern, err := address.ParsePattern(b.Account); err != nil {
		f.add("/account", reason(err))
	} else {
		cmd.Pattern = pattern
	}
	if cmd.Asset, fault = new(lastAsset).parse(b.Asset); fault != "" {
		f.add("/asset", fault)
	}
	cmd.At = endOfMoment(&f, "/at", b.At)
	cmd.Bounds = ledger.Bounds{EQ: signed(&f, "/equals", b.Equals), GTE: signed(&f, "/gte", b.GTE), LTE: signed(&f, "/lte", b.LTE)}
	return cmd, f.validated(cmd)
}

// endOfMoment reads a time up to which something counts: a date stands for its whole day, as in the queries of balances.
func endOfMoment(f *faults, pointer string, text *string) time.Time {
	at := moment(f, pointer, text)
	if text != nil && len(*text) == len(time.DateOnly) && !at.IsZero() {
		return ledger.DayOf(at).End()
	}
	return at
}

func appendAssertion(b []byte, declared *ledger.AssertionDeclared, e, verdict *event) []byte {
	assertion := wire.Assertion{
		ID: declared.ID, Account: declared.Pattern.String(), Asset: string(declared.Asset),
		Equals: signedText(declared.Bounds.EQ), GTE: signedText(declared.Bounds.GTE), LTE: signedText(declared.Bounds.LTE),
		DeclaredAt: e.Envelope.RecordedAt, ChangedAt: verdict.Envelope.RecordedAt, Actor: e.Envelope.Actor, Revision: uint64(e.Revision),
	}
	if !declared.At.IsZero() {
		assertion.At = &declared.At
	}
	var balance *big.Int
	switch v := verdict.Event.(type) {
	case ledger.AssertionHeld:
		assertion.Status, balance = wire.AssertionHolds, v.Balance
	case ledger.AssertionBroken:
		assertion.Status, balance = wire.AssertionBroken, v.Balance
	}
	if balance != nil {
		digits := balance.String()
		assertion.Balance = &digits
	}
	return assertion.AppendJSON(append(b, `"assertion":`...))
}

// signedText is nil where there is no bound.
func signedText(s *money.Signed) *string {
	if s == nil {
		return nil
	}
	text := s.String()
	return &text
}
