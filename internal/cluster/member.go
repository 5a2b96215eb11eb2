package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// Bucket is the key-value bucket that a cluster is kept in. The nodes of one cluster are those that have it in common.
const Bucket = "daybook-cluster"

// What a node can do for the cluster.
const (
	RoleCommands    = "commands"
	RoleRelay       = "relay"
	RoleProjections = "projections"
	RoleQueries     = "queries"
)

const (
	// MinLease is the shortest that a session can be: servers count in seconds.
	MinLease = 2 * time.Second
	// DefaultLease is how long a session lasts without being renewed, if nothing else is said.
	DefaultLease = 5 * time.Second
)

// Node says who a node is.
type Node struct {
	// Name is unique in the cluster: see [FitsName].
	Name string `json:"node"`
	// Home tells nodes of the same name apart: one that finds its own there was here before, and need not wait for the
	// session that it left behind. Nobody else has it.
	Home string `json:"home"`
	// Roles are what the node does.
	Roles []string `json:"roles"`
	// Address is where it serves HTTP, as host:port; for people.
	Address string `json:"address"`
	// Version is that of the program; for people.
	Version string `json:"version"`
}

func (n *Node) decides() bool { return slices.Contains(n.Roles, RoleCommands) }

// FitsName tells whether a node can be called so: 1 to 63 letters, digits, "-" and "_", the first one a letter or a digit.
func FitsName(name string) bool { return fitName.MatchString(name) }

var fitName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// Options are what a member needs. Every zero field but Conn and Node stands for the value in brackets.
type Options struct {
	// Conn is the connection to NATS, which stays the caller's.
	Conn *nats.Conn
	// Node is this node.
	Node Node
	// Lease is how long a session lasts without being renewed: so long nobody decides for the ledgers of a node that died
	// [5 s; at least MinLease].
	Lease time.Duration
	// Replicas is how many NATS servers keep the bucket, if this node is the first to need it [1].
	Replicas int
	// Follow is how often a ledger whose commands come in at another node, nearly all of them, is given to that one [never].
	Follow time.Duration
	// Taken is told of each ledger that was this node's and is another's now. It does not wait for anything [nobody].
	Taken func(ledger string)
	// Logger is told what becomes of the session [discarded].
	Logger *slog.Logger
	// Registerer gets the metrics [none].
	Registerer prometheus.Registerer
}

// Member is this node's part in a cluster. It is safe for concurrent use. It works while Run does; before that and afterwards
// it is as if NATS were out of reach, except that nothing is decided alone.
type Member struct {
	options Options
	js      jetstream.JetStream
	log     *slog.Logger
	metrics *metrics
	view    *view
	origins *origins

	// restart has a token when the watch has to begin anew.
	restart chan struct{}

	started time.Time
	// leaving is closed when the session is to end, and left when it has.
	leaving, left chan struct{}
	leave         sync.Once

	// Of the goroutine of Run.
	nextID   string    // what the next session will be called, once that was tried; empty until then
	lastID   string    // what the last session was called; empty until there was one
	first    bool      // there was no session yet
	lastHeld time.Time // when the session was renewed last, or when the node began

	mu     sync.Mutex
	bucket jetstream.KeyValue // nil until it was there once
	made   time.Time          // when that bucket was made
	taking map[string]bool    // the claims that are being made
}

var (
	errName = errors.New("a node's name is 1 to 63 letters, digits, - and _, and begins with a letter or a digit")
	// ErrNameTaken is why a node has no session: another process has its name.
	ErrNameTaken = errors.New("another process is in the cluster by this node's name")
	// ErrNoOwner is why nobody can be said to decide for a ledger, at present.
	ErrNoOwner = errors.New("it cannot be told at present which node decides for the ledger")
)

// New makes a member. It fails where an option is wrong.
func New(o Options) (*Member, error) {
	if !FitsName(o.Node.Name) {
		return nil, fmt.Errorf("node %q: %w", o.Node.Name, errName)
	}
	if o.Lease = cmp.Or(o.Lease, DefaultLease); o.Lease < MinLease {
		return nil, fmt.Errorf("a lease of %s is too short: it is at least %s", o.Lease, MinLease)
	}
	o.Replicas = cmp.Or(o.Replicas, 1)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Taken == nil {
		o.Taken = func(string) {}
	}
	js, err := jetstream.New(o.Conn)
	if err != nil {
		return nil, fmt.Errorf("join a cluster: %w", err)
	}
	v := newView(o.Node.Name)
	m := &Member{
		options: o, js: js, log: o.Logger.With("node", o.Node.Name), metrics: newMetrics(o.Registerer, v),
		view: v, origins: &origins{ledgers: map[string]map[string]int{}}, restart: make(chan struct{}, 1), leaving: make(chan struct{}), left: make(chan struct{}),
		started: time.Now().UTC(), lastHeld: time.Now(), first: true, taking: map[string]bool{},
	}
	return m, nil
}

// Name implements run.Worker.
func (m *Member) Name() string { return "cluster member" }

// Node is this node.
func (m *Member) Node() Node { return m.options.Node }

// decides tells whether this node takes ledgers.
func (m *Member) decides() bool { return m.options.Node.decides() }

// Run implements run.Worker: it keeps the session and the view of the others until ctx ends, and then ends the session, so
// that others take over at once. It fails where NATS cannot keep a cluster at all.
func (m *Member) Run(ctx context.Context) error {
	ended := sync.OnceFunc(func() { close(m.left) })
	defer ended()
	working, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	workers.Go(func() { m.watch(working) })
	workers.Go(func() { m.follow(working) })
	workers.Go(func() {
		select {
		case <-m.leaving:
			stop()
		case <-working.Done():
		}
	})
	err := m.keepSession(working)
	stop()
	workers.Wait()
	m.endSession(ctx)
	ended()
	if err == nil {
		<-ctx.Done()
	}
	return err
}

// Leave ends the session before its worker ends, and waits for that: a node that stops has others take over what it owns as soon
// as it takes no more requests, while it still puts its own things away.
func (m *Member) Leave() {
	m.leave.Do(func() { close(m.leaving) })
	<-m.left
}

// Ready tells why this node has no session at present, or nil.
func (m *Member) Ready() error {
	standing, why := m.view.standing()
	if standing == held {
		return nil
	}
	if standing == alone {
		return fmt.Errorf("the cluster is out of reach, so that this node decides alone: %w", why)
	}
	return fmt.Errorf("no session in the cluster: %w", cmp.Or(why, errNoSession))
}

var errNoSession = errors.New("it has not begun")
