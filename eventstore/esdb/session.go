package esdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// session is a client of EventStoreDB for as long as its connection holds.
//
// The client itself would connect anew, in a goroutine that everybody else waits for. While it does, nobody's context
// counts; when it cannot, it ends, and those who wait do so for ever; when it can, it leaves the old connection open. So
// a client is used for one connection. What it says when a call fails for the connection's sake is said before it
// connects anew, and from then on no call begins.
//
// There is one exception. Told by a node that another leads the cluster the client connects to that one by itself, at once,
// and drops the connection where that fails: nobody can close it then. gRPC goes on trying it, and lets it rest after half an
// hour. Of a cluster whose nodes are known the client is therefore closed, and the next one looks for the leader first, so
// that this happens once for each leader that falls. Where the URL names one node alone, it is the only way to the leader.
type session struct {
	client  *client.Client
	cluster bool // whether a new client finds the leader
	// turn is held by whoever begins a call, until the client has given that its connection, and by whoever retires the
	// session: so none begins a call on a connection that is known to have broken.
	turn   chan struct{}
	broken atomic.Bool // set with the turn held
	// over is closed some time after that: whoever still waits for the client then is not answered any more.
	over  chan struct{}
	calls sync.WaitGroup
	ended func() // called when the client is closed
}

// errNotBegun means that a call was not begun, because its connection broke or its context ended before.
var errNotBegun = errors.New("there is no connection to EventStoreDB")

// connect makes a session. The client connects with the first call, which is made here, by nobody else.
func connect(config client.Configuration, ended func()) (*session, error) {
	s := &session{
		cluster: config.DnsDiscover || len(config.GossipSeeds) > 0, turn: make(chan struct{}, 1), over: make(chan struct{}),
		ended: ended,
	}
	config.Logger = s.listenf
	made, err := client.NewClient(&config)
	if err != nil {
		ended()
		return nil, fmt.Errorf("make a client: %w", err)
	}
	s.client = made
	version, err := made.GetServerVersion()
	if err == nil {
		err = tooOld(version)
	}
	if err != nil {
		s.retire()
		return nil, err
	}
	return s, nil
}

// The first version that says where in the whole log an event of a stream stands.
const (
	leastMajor = 22
	leastMinor = 10
)

func tooOld(v *client.ServerVersion) error {
	if v.Major < leastMajor || v.Major == leastMajor && v.Minor < leastMinor {
		return fmt.Errorf("the server is EventStoreDB %d.%d: want %d.%d or later", v.Major, v.Minor, leastMajor, leastMinor)
	}
	return nil
}

// What the client logs about a call that failed, before it thinks of connecting anew, and about a subscription.
const (
	callFailed          = "unexpected exception: %v"
	subscriptionDropped = "subscription has dropped. Reason: %v"
)

// listenf retires the session as soon as the client knows that its connection has broken.
func (s *session) listenf(_ client.LogLevel, format string, args ...any) {
	if format != callFailed && format != subscriptionDropped || len(args) != 1 {
		return
	}
	if err, ok := args[0].(error); ok && status.Code(err) == codes.Unavailable {
		s.retire()
	}
}

// retire lets no more calls begin, and closes the client when those under way have ended.
func (s *session) retire() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.broken.Swap(true) {
		return
	}
	time.AfterFunc(grace, func() { close(s.over) })
	go func() {
		s.calls.Wait()
		_ = s.client.Close() // it never fails
		s.ended()
	}()
}

// grace is how long calls under way may still take when their session is retired. A client that has ended does not answer who
// reports to it that a call failed.
const grace = 3 * time.Second

// errAbandoned means that a call was given up whose session was retired.
var errAbandoned = errors.New("the connection to EventStoreDB broke, and the client does not answer")

// judge retires a session whose client has ended, because it reached neither the leader that it was told of nor anybody else,
// and one whose node does not lead, where a new client finds the one that does.
func (s *session) judge(err error) {
	var answer *client.Error
	if errors.As(err, &answer) && (answer.IsErrorCode(client.ErrorCodeConnectionClosed) ||
		s.cluster && answer.IsErrorCode(client.ErrorCodeNotLeader)) {
		s.retire()
	}
}

// begin begins a call, for which the context that it gives is to be used, and end called after it.
func (s *session) begin(ctx context.Context) (call context.Context, end func(), err error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("%w: %w", errNotBegun, ctx.Err())
	}
	if s.broken.Load() {
		<-s.turn
		return nil, nil, errNotBegun
	}
	s.calls.Add(1)
	release := sync.OnceFunc(func() { <-s.turn })
	// The client means to say so itself, and does not.
	ctx = metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
	return passing{Context: ctx, passed: release}, sync.OnceFunc(func() {
		release()
		s.calls.Done()
	}), nil
}

// passing is a context that tells when the client has a connection for the call. The first thing that the client does
// with a context, after that, is to ask for its deadline.
type passing struct {
	context.Context //nolint:containedctx // it is one

	passed func()
}

// Deadline implements [context.Context].
func (p passing) Deadline() (time.Time, bool) {
	p.passed()
	return p.Context.Deadline()
}

// answered makes a call that has one answer. It returns when ctx ends, whatever the client does.
func answered[T any](ctx context.Context, s *session, do func(context.Context) (T, error)) (answer T, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, end, err := s.begin(ctx)
	if err != nil {
		return answer, err
	}
	type outcome struct {
		answer T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		defer end()
		answer, err := contained(func() (T, error) { return do(call) })
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-s.over:
		return answer, errAbandoned
	case <-ctx.Done():
		return answer, ctx.Err() //nolint:wrapcheck // wrapped by the calls
	}
}

// dialling is a connection that is being made.
type dialling struct {
	done    chan struct{}
	session *session
	err     error
}

// session gives a connection that is not known to have broken. Where there is none it waits for one, which one goroutine
// makes for all who wait. It fails with ErrUnavailable where none can be made.
func (s *Store) session(ctx context.Context) (*session, error) {
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return nil, eventstore.ErrClosed
	case s.current != nil && !s.current.broken.Load():
		defer s.mu.Unlock()
		return s.current, nil
	}
	if s.dialling == nil {
		s.dialling = &dialling{done: make(chan struct{})}
		s.sessions.Add(1)
		go s.dial(s.dialling)
	}
	d := s.dialling
	s.mu.Unlock()
	select {
	case <-d.done:
		return d.session, d.err
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // wrapped by the calls
	}
}

func (s *Store) dial(d *dialling) {
	made, err := connect(s.settings.config, s.sessions.Done)
	s.mu.Lock()
	s.dialling = nil
	switch {
	case err != nil:
		d.err = fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	case s.closed:
		d.err = eventstore.ErrClosed
		defer made.retire()
	default:
		s.current, d.session = made, made
		s.metrics.connections.Inc()
	}
	s.mu.Unlock()
	close(d.done)
}
