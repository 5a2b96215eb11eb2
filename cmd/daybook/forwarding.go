package main

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/timer"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/cluster/forward"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/run"
)

// startForwarding has commands answered by the nodes that own their ledgers, and gives the middleware by which that is done;
// nil for a process alone. It is stopped after all that may still need an answer of another node.
func (s *server) startForwarding(ctx context.Context) (echo.MiddlewareFunc, error) {
	if s.member == nil {
		return nil, nil //nolint:nilnil // there is nothing to be around of
	}
	forwarder, err := forward.New(forward.Options{
		Conn: s.conn, Member: s.member, SendOnce: commands.IsBulk, BodyLimit: max(s.settings.BulkLimit, httpx.BodyLimit), Patience: patienceFor(s.settings.Lease),
		Logger: s.logger, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	s.workers.Start(ctx, run.OnStop("forwarding of commands", forwarder.Close))
	s.answering = forwarder.Answering(s.echo)
	return forwarder.Middleware(commands.LedgerOf), nil
}

// patienceFor is how long a node looks for the owner of a ledger: longer than it takes until the session of one that died is over,
// since servers count seconds, and that of the next one, if that dies as well.
func patienceFor(lease time.Duration) time.Duration { return 2*lease + 10*time.Second }

// startAnswering has the commands of other nodes answered. It comes after the engines, so that it ends before they do, and with it the
// session: others take over the ledgers of this node before it puts its own things away.
func (s *server) startAnswering(ctx context.Context) {
	if s.member == nil {
		return
	}
	s.workers.Start(ctx, run.OnStop("session", func() error { s.member.Leave(); return nil }))
	s.workers.Start(ctx, s.answering)
}

// forwardAll has a node that does not decide pass on all commands. Those that are about no ledger that could be are refused.
func (s *server) forwardAll(api *echo.Group, around echo.MiddlewareFunc) {
	refuse := func(echo.Context) error {
		return httpx.NewProblem(httpx.CodeOverloaded, "The node %s does not have the role %q, and the request names no ledger whose node "+
			"it could be passed on to: ask a node that has the role.", s.settings.Node, cluster.RoleCommands)
	}
	for _, path := range []string{"/ledgers", "/ledgers/:ledger/*"} {
		api.Match([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, path, refuse, around)
	}
}

// release has the engine of a ledger end that another node owns now.
func (s *server) release(ledger string) {
	if engines := s.engines.Load(); engines != nil {
		engines.Release(ledgername.Stream(ledger))
	}
}

// mine is what is due in the ledgers that this node owns, and in those that nobody does: it takes them.
type mine struct {
	timer.Due

	member *cluster.Member
}

// takeTimeout is how long the timer waits for a ledger that nobody owns: it looks again soon.
const takeTimeout = time.Second

// has tells whether a ledger is this node's, if need be by taking it.
func (m mine) has(ctx context.Context, ledger string) bool {
	owner, ok := m.member.Owner(ledger)
	if !ok && m.member.Ready() == nil {
		ctx, cancel := context.WithTimeout(ctx, takeTimeout)
		defer cancel()
		var err error
		owner, err = m.member.Locate(ctx, ledger)
		ok = err == nil
	}
	return ok && owner.Here
}

// Holds implements [timer.Due].
func (m mine) Holds(ctx context.Context, until time.Time) iter.Seq2[timer.Hold, error] {
	return ownedOnes(m.Due.Holds(ctx, until), func(h timer.Hold) bool { return m.has(ctx, h.Ledger) })
}

// Assertions implements [timer.Due].
func (m mine) Assertions(ctx context.Context) iter.Seq2[timer.Assertion, error] {
	return ownedOnes(m.Due.Assertions(ctx), func(a timer.Assertion) bool { return m.has(ctx, a.Ledger) })
}

// ownedOnes are those for which has is true, and errors.
func ownedOnes[T any](all iter.Seq2[T, error], has func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for one, err := range all {
			if (err != nil || has(one)) && !yield(one, err) {
				return
			}
		}
	}
}
