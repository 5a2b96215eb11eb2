package queries

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// pattern reads a parameter that is a pattern of addresses; it is empty where the parameter is absent.
func pattern(p *httpx.Params, name string) address.Pattern {
	text, given := p.String(name)
	if !given {
		return ""
	}
	pattern, err := address.ParsePattern(text)
	if err != nil {
		p.Fault(name, err.Error())
	}
	return pattern
}

func (q *Queries) listAccounts(c echo.Context) error {
	r, err := q.request(c, "address", "metadata[]", "limit", "cursor")
	if err != nil {
		return err
	}
	limit := r.Limit()
	f := accountFilter{pattern: pattern(r.Params, "address"), metadata: r.Map("metadata"), limit: limit + 1}
	f.after, _ = cursorOf[string](c, r.Params)
	if err := r.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionAccounts); err != nil {
		return err
	}
	rows, revision, err := q.views.accounts(ctx, r.ledger, f)
	if err != nil {
		return problem(err)
	}
	p, err := page(c, rows, limit, func(a wire.Account) string { return a.Address })
	if err != nil {
		return err
	}
	return answerPage(c, revision, &p)
}

// accountOf reads the account of the path. A name that no account can have is an account that does not exist.
func accountOf(c echo.Context) (address.Address, error) {
	text, ok := httpx.PathParam(c, "account")
	if !ok {
		return "", errAccountNotFound
	}
	at, err := address.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errAccountNotFound, err)
	}
	return at, nil
}

func (q *Queries) getAccount(c echo.Context) error {
	r, err := q.request(c)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionAccounts); err != nil {
		return err
	}
	at, err := accountOf(c)
	if err != nil {
		return q.noAccount(ctx, r, err)
	}
	account, revision, err := q.views.account(ctx, r.ledger, at)
	if err != nil {
		return problem(err)
	}
	return answer(c, revision, member("account", &account))
}

func (q *Queries) getStatement(c echo.Context) error {
	r, err := q.request(c, "asset", "from", "to", "at", "as_of_revision", "limit", "cursor")
	if err != nil {
		return err
	}
	f := statementFilter{after: beginning(), upTo: end(), limit: r.Limit()}
	if text, given := r.String("asset"); given {
		if _, err := money.ParseAsset(text); err != nil {
			r.Fault("asset", err.Error())
		}
		f.asset = text
	}
	if from, given := r.Moment("from"); given {
		f.after = before(from)
	}
	for _, name := range []string{"to", "at"} { // a statement's word and that of balances, for the same thing
		if last, given := r.Moment(name); given {
			f.upTo = earlier(f.upTo, upTo(last))
		}
	}
	f.asOf = r.asOf()
	if mark, given := cursorOf[statementMark](c, r.Params); given {
		f.resume = &mark
		if f.asOf == nil && r.demands && r.minRevision > mark.Revision {
			r.Fault("min_revision", fmt.Sprintf("all pages of a statement show revision %d, as the first one does; start again without the cursor", mark.Revision))
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, asKnown()...); err != nil {
		return err
	}
	if f.account, err = accountOf(c); err != nil {
		return q.noAccount(ctx, r, err)
	}
	return q.showStatement(c, r, f)
}

func (q *Queries) showStatement(c echo.Context, r *request, f statementFilter) error {
	found, err := q.views.statement(c.Request().Context(), r.ledger, f)
	if err != nil {
		return problem(err)
	}
	p := wire.Statement{Page: wire.Page[wire.StatementLine]{Data: found.lines}}
	p.Opening, p.Closing = found.ends.show()
	if found.next != nil {
		if p.NextCursor, err = nextCursor(c, *found.next); err != nil {
			return err
		}
	}
	return answer(c, found.revision, p.AppendJSON(nil))
}
