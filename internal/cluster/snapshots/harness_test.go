package snapshots_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/cluster/snapshots"
	"github.com/daybook-ledger/daybook/internal/runs"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	stream = "ledger-books"
	// patience bounds waits for what must come.
	patience = 60 * time.Second
	// worth is how far ahead snapshots have to be.
	worth = 10
)

// shelf is a node's own place. A snapshot there is a line of JSON, what it is and needs, and then whatever was made up.
type shelf struct {
	dir  string
	runs func() // is called before runs are asked for, where it is given
}

type label struct {
	Revision eventstore.Revision
	Needs    []runs.ID
}

func (s *shelf) Save(_ context.Context, stream string, _ eventstore.Revision, write func(io.Writer) error) error {
	file, err := os.Create(s.path(stream) + ".tmp")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := write(file); err != nil {
		return err
	}
	return os.Rename(file.Name(), s.path(stream))
}

func (s *shelf) Load(_ context.Context, stream string) ([]byte, error) {
	content, err := os.ReadFile(s.path(stream))
	if os.IsNotExist(err) {
		return nil, nil
	}
	return content, err
}

func (s *shelf) Remove(_ context.Context, stream string) error { return os.RemoveAll(s.path(stream)) }

func (s *shelf) Runs(stream string) *runs.Dir {
	if s.runs != nil {
		s.runs()
	}
	return runs.NewDir(s.path(stream) + ".runs")
}

func (s *shelf) Open(stream string) (*os.File, eventstore.Revision, []runs.ID, error) {
	file, err := os.Open(s.path(stream))
	if err != nil {
		return nil, 0, nil, err
	}
	line, err := bufio.NewReader(file).ReadBytes('\n')
	var l label
	if err == nil {
		err = json.Unmarshal(line, &l)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return file, l.Revision, l.Needs, err
}

func (s *shelf) path(stream string) string { return filepath.Join(s.dir, stream) }

// node shares the snapshots of a shelf.
type node struct {
	*snapshots.Shared

	t       testing.TB
	shelf   *shelf
	conn    *nats.Conn
	tap     *tap
	metrics *prometheus.Registry
	said    *syncBuffer
	stop    func()
}

// newNode starts a node, of which options can be changed.
func newNode(t testing.TB, servers string, change ...func(*snapshots.Options)) *node {
	t.Helper()
	n := &node{t: t, shelf: &shelf{dir: t.TempDir()}, tap: new(tap), metrics: prometheus.NewRegistry(), said: new(syncBuffer)}
	var err error
	n.conn, err = nats.Connect(servers, nats.SetCustomDialer(n.tap), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.conn.Close)
	o := snapshots.Options{
		Conn: n.conn, Local: n.shelf, Log: "a log", Kind: "1", Worth: worth, Registerer: n.metrics,
		Logger: slog.New(slog.NewTextHandler(io.MultiWriter(n.said, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	if n.Shared, err = snapshots.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ends with %v", err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

// snapshot makes a snapshot up, which needs runs that are made up too, each with the given place in it.
func (n *node) snapshot(revision eventstore.Revision, bytes int, needs ...runs.ID) []byte {
	n.t.Helper()
	head, err := json.Marshal(label{revision, needs})
	if err != nil {
		n.t.Fatal(err)
	}
	content := make([]byte, bytes)
	source := rand.NewChaCha8([32]byte{byte(revision), byte(revision >> 8), byte(len(n.shelf.dir))})
	_, _ = source.Read(content)
	return slices.Concat(head, []byte("\n"), content)
}

// run writes a run of some entries, with places from a first one on.
func (n *node) run(name string, first uint64, entries int) runs.ID {
	n.t.Helper()
	list := make([]runs.Entry, entries)
	for i := range list {
		list[i] = runs.Entry{Digest: rand.Uint64(), Place: first + uint64(i)}
	}
	run, err := runs.NewDir(n.shelf.path(stream)+".runs").Write(name, list)
	if err != nil {
		n.t.Fatal(err)
	}
	defer run.Close()
	return run.ID()
}

// save saves a snapshot, which is published some time later.
func (n *node) save(revision eventstore.Revision, content []byte) {
	n.t.Helper()
	err := n.Save(n.t.Context(), stream, revision, func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// publish saves a snapshot, and waits until it is published.
func (n *node) publish(revision eventstore.Revision, content []byte) {
	n.t.Helper()
	before := n.count("published", "done")
	n.save(revision, content)
	n.until("it is published", func() bool { return n.count("published", "done") > before })
}

// load loads the snapshot.
func (n *node) load() []byte {
	n.t.Helper()
	content, err := n.Load(n.t.Context(), stream)
	if err != nil {
		n.t.Fatal(err)
	}
	return content
}

// loads holds what is loaded to what is wanted.
func (n *node) loads(want []byte) {
	n.t.Helper()
	if got := n.load(); !bytes.Equal(got, want) {
		n.t.Errorf("loaded %d bytes, %.60q, want %d, %.60q", len(got), got, len(want), want)
	}
}

func (n *node) count(what, outcome string) int {
	return int(n.metric("daybook_snapshots_"+what+"_total", outcome))
}

// metric reads a counter, by the value of its only label.
func (n *node) metric(name, value string) float64 {
	n.t.Helper()
	families, err := n.metrics.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[0].GetValue() == value {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func (n *node) until(what string, condition func() bool) { until(n.t, what, condition) }

// until waits for what nobody tells of.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never was so that %s", what)
		}
	}
}

// files are the names of all that is on a shelf.
func (n *node) files() (all []string) {
	n.t.Helper()
	err := filepath.WalkDir(n.shelf.dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, strings.TrimPrefix(path, n.shelf.dir+"/"))
		}
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return all
}

// tap is a dialer of connections whose outgoing bytes can be looked at before they are sent and afterwards.
type tap struct {
	mu            sync.Mutex
	before, after func(sent []byte)
	conns         []net.Conn
}

func (t *tap) Dial(network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conns = append(t.conns, conn)
	return &tapped{conn, t}, nil
}

// on has something done once, before or after the bytes are sent that have something in them.
func (t *tap) on(has string, after bool, do func()) {
	once := sync.OnceFunc(do)
	hook := func(sent []byte) {
		if bytes.Contains(sent, []byte(has)) {
			once()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if after {
		t.after = hook
	} else {
		t.before = hook
	}
}

// cut breaks all connections.
func (t *tap) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, conn := range t.conns {
		_ = conn.Close()
	}
}

type tapped struct {
	net.Conn

	tap *tap
}

func (c *tapped) Write(p []byte) (int, error) {
	c.tap.mu.Lock()
	before, after := c.tap.before, c.tap.after
	c.tap.mu.Unlock()
	if before != nil {
		before(p)
	}
	n, err := c.Conn.Write(p)
	if after != nil {
		after(p)
	}
	return n, err
}

// broker is the NATS server as somebody sees it who looks into the stream.
type broker struct {
	*natstest.Server

	t    testing.TB
	js   jetstream.JetStream
	urls string
}

func newBroker(t testing.TB) *broker {
	t.Helper()
	s := natstest.New(t, nil)
	b := &broker{Server: s, t: t, urls: natstest.URLs(s)}
	conn, err := nats.Connect(b.urls, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if b.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *broker) stream() jetstream.Stream {
	b.t.Helper()
	s, err := b.js.Stream(b.t.Context(), snapshots.Stream)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// subjects are the numbers of messages on each subject.
func (b *broker) subjects() map[string]uint64 {
	b.t.Helper()
	info, err := b.stream().Info(b.t.Context(), jetstream.WithSubjectFilter("daybook.snapshots.>"))
	if err != nil {
		b.t.Fatal(err)
	}
	return info.State.Subjects
}

const manifestSubject = "daybook.snapshots." + stream + ".manifest"

// manifest is that of the stream, for the test to change.
func (b *broker) manifest() map[string]any {
	b.t.Helper()
	message, err := b.stream().GetLastMsgForSubject(b.t.Context(), manifestSubject)
	if err != nil {
		b.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(message.Data, &m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *broker) setManifest(m any) {
	b.t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	b.put(manifestSubject, text)
}

func (b *broker) put(subject string, data []byte) {
	b.t.Helper()
	if _, err := b.js.Publish(b.t.Context(), subject, data); err != nil {
		b.t.Fatal(err)
	}
}

func fileSubject(file any) string {
	return fmt.Sprintf("daybook.snapshots.%s.file.%s", stream, file.(map[string]any)["id"])
}

// tidy tells that the stream has what the manifest names, and nothing else.
func (b *broker) tidy() {
	b.t.Helper()
	m := b.manifest()
	want := []string{manifestSubject, fileSubject(m["snapshot"])}
	if m["runs"] != nil {
		for _, r := range m["runs"].([]any) {
			want = append(want, fileSubject(r))
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(b.subjects())); !slices.Equal(got, want) {
		b.t.Errorf("the stream has %d subjects, %s\nwant %d, %s", len(got), got, len(want), want)
	}
}

type syncBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}
