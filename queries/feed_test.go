package queries_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
	"github.com/daybook-ledger/daybook/queries"
)

// served is a world behind a real listener.
type served struct {
	*world

	url   string
	stop  func()        // begins to stop the server
	ended chan error    // gets what the server's Run returns
	left  chan struct{} // gets one for each request that was handled
}

func (w *world) serve() *served {
	w.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(w, err)
	s := &served{world: w, url: "http://" + listener.Addr().String() + "/v1", ended: make(chan error, 1), left: make(chan struct{}, 1000)}
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { s.left <- struct{}{} }()
		w.handler.ServeHTTP(rw, r)
	})
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	finished := make(chan struct{})
	go func() {
		s.ended <- httpx.NewServer(listener, handler, nil).Run(ctx)
		close(finished)
	}()
	w.Cleanup(func() {
		stop()
		<-finished
	})
	return s
}

// follower is a client that follows a ledger.
type follower struct {
	testing.TB

	response *http.Response
	lines    *bufio.Reader
	leave    func()
}

// message is what a server-sent event says; a comment has nothing but that.
type message struct{ id, event, data, comment, retry string }

func (s *served) follow(query string, header ...string) *follower {
	s.Helper()
	ctx, leave := context.WithCancel(context.Background())
	s.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/ledgers/main/events/stream"+query, nil)
	must(s, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	must(s, err)
	s.Cleanup(func() { _ = response.Body.Close() })
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		body, _ := io.ReadAll(response.Body)
		s.Fatalf("status %d, %s: %s", response.StatusCode, got, body)
	}
	f := &follower{TB: s.TB, response: response, lines: bufio.NewReaderSize(response.Body, 16), leave: leave}
	return f
}

// next waits for a message.
func (f *follower) next() (m message, err error) {
	for {
		line, err := f.lines.ReadString('\n')
		if err != nil {
			return m, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "\n":
			return m, nil
		case name == "":
			m.comment = value
		case name == "id":
			m.id = value
		case name == "event":
			m.event = value
		case name == "data":
			m.data = value
		case name == "retry":
			m.retry = value
		default:
			return m, fmt.Errorf("an unknown line %q", line)
		}
	}
}

// ids reads as many events as are wanted, and gives their ids.
func (f *follower) ids(wanted int) string {
	f.Helper()
	var ids []string
	for len(ids) < wanted {
		m, err := f.next()
		must(f, err)
		if m.id != "" {
			ids = append(ids, m.id)
		}
	}
	return strings.Join(ids, " ")
}

func post(w *world) { w.do("main", transfer("world", "users:1", "USD/2", "1", "")) }

func TestFollowingTellsHistoryAndThenWhatHappens(t *testing.T) {
	for name, option := range map[string]func(*queries.Options){"woken by the board": withoutPolling, "polling": withoutBoard} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, option)
			w.open("main")
			post(w)
			w.project()
			s := w.serve()
			f := s.follow("")
			if m, err := f.next(); err != nil || m.retry == "" {
				t.Fatalf("the first message is %+v, %v", m, err)
			}
			for revision := range 12 {
				m, err := f.next()
				must(t, err)
				var e wire.Event
				must(t, json.Unmarshal([]byte(m.data), &e))
				if m.id != strconv.Itoa(revision) || e.Revision != uint64(revision) || m.event != e.Type {
					t.Fatalf("message %d is %+v", revision, m)
				}
				var p wire.Page[json.RawMessage]
				w.get(fmt.Sprintf("/ledgers/main/events?from=%d&limit=1", revision)).ok(&p)
				if diff := cmp.Diff(string(p.Data[0]), m.data); diff != "" {
					t.Errorf("not what the page shows: %s", diff)
				}
				if uint64(revision) == w.head("main") { // all is told; now something happens
					post(w)
					w.project()
				}
			}
		})
	}
}

func TestFollowingGoesOnWhereItWasLeft(t *testing.T) {
	w := historyWorld(t)
	w.project()
	s := w.serve()
	for _, test := range []struct{ query, last, want string }{
		{"?from=5", "", "5 6 7"},
		{"", "4", "5 6 7"},
		{"?from=2", "4", "5 6 7"},
		{"?from=7", "0", "1 2 3"},
		{"?from=6&min_revision=7", "", "6 7"},
	} {
		f := s.follow(test.query, "Last-Event-ID", test.last)
		if got := f.ids(strings.Count(test.want, " ") + 1); got != test.want {
			t.Errorf("%s after %q: %s, want %s", test.query, test.last, got, test.want)
		}
		if got := f.response.Header.Get("Daybook-Revision"); got != "7" {
			t.Errorf("Daybook-Revision %q", got)
		}
	}
	ahead, never := s.follow("?from=9"), s.follow("", "Last-Event-ID", "18446744073709551615")
	post(w)
	post(w)
	post(w)
	w.project()
	if got := ahead.ids(2); got != "9 10" {
		t.Errorf("from a revision that was not there yet: %s", got)
	}
	if m, err := never.next(); err != nil || m.id != "" {
		t.Errorf("after the greatest number comes %+v, %v", m, err)
	}
}

func TestWhatCannotBeFollowed(t *testing.T) {
	w := historyWorld(t)
	for _, test := range []struct {
		path, last string
		status     int
		code       string
		about      string
	}{
		{"/ledgers/other/events/stream", "", 404, "ledger_not_found", ""},
		{"/ledgers/other/events/stream?from=7", "3", 404, "ledger_not_found", ""},
		{"/ledgers/MAIN/events/stream", "", 404, "ledger_not_found", ""},
		{"/ledgers/main/events/stream?from=-1", "", 422, "invalid_field", "?from"},
		{"/ledgers/main/events/stream?limit=1", "", 400, "malformed_request", "?limit"},
		{"/ledgers/main/events/stream?min_revision=8&wait=0", "", 504, "revision_not_reached", ""},
		{"/ledgers/main/events/stream", "x", 422, "invalid_field", "Last-Event-ID"},
		{"/ledgers/main/events/stream", "-1", 422, "invalid_field", "Last-Event-ID"},
	} {
		if detail := w.get(test.path, "Last-Event-ID", test.last).fails(test.status, test.code); !strings.Contains(detail, test.about) {
			t.Errorf("%s: %s", test.path, detail)
		}
	}
}

func TestAnIdleStreamIsKeptAlive(t *testing.T) {
	ticks, stopped := make(chan time.Time), make(chan struct{})
	w := newWorld(t, withoutPolling, func(o *queries.Options) {
		o.Heartbeats = func() (<-chan time.Time, func()) { return ticks, func() { close(stopped) } }
	})
	w.open("main")
	f := w.serve().follow("")
	f.ids(1)
	for range 3 {
		ticks <- w.clock
		if m, err := f.next(); err != nil || m.comment == "" || m.id+m.event+m.data != "" {
			t.Errorf("at a tick comes %+v, %v", m, err)
		}
	}
	post(w)
	w.project()
	if got := f.ids(3); got != "1 2 3" {
		t.Errorf("after the heartbeats: %s", got)
	}
	f.leave()
	<-stopped
}

func TestStreamsEndWhenTheServerStops(t *testing.T) {
	w := newWorld(t, withoutPolling)
	w.open("main")
	s := w.serve()
	idle := s.follow("")
	idle.ids(1)
	s.stop()
	if rest, err := io.ReadAll(idle.lines); err != nil || len(rest) > 0 {
		t.Errorf("at the end comes %q, %v", rest, err)
	}
	must(t, <-s.ended)
}

func TestAStreamEndsWithItsClient(t *testing.T) {
	w := newWorld(t, withoutPolling)
	w.open("main")
	s := w.serve()
	f := s.follow("")
	f.ids(1)
	f.leave()
	<-s.left
}

// A client that does not read is cut off, and misses nothing when it comes back.
func TestASlowReaderIsCutOffAndResumes(t *testing.T) {
	w := newWorld(t, withoutPolling, func(o *queries.Options) { o.SendWithin = 20 * time.Millisecond })
	w.open("main")
	var large []ledger.Command
	for range 6000 { // more than any socket takes unread
		p := transfer("world", "users:1", "USD/2", "1", "")
		p.Description = strings.Repeat("x", 4000)
		large = append(large, p)
	}
	w.do("main", large...)
	s := w.serve()
	slow := s.follow("")
	<-s.left
	next, last := uint64(0), ""
	for {
		m, err := slow.next()
		if err != nil {
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error("the stream looks as if it had come to its end")
			}
			break
		}
		if m.id != "" {
			if m.id != strconv.FormatUint(next, 10) {
				t.Fatalf("event %s, want %d", m.id, next)
			}
			next, last = next+1, m.id
		}
	}
	if last == "" || next > w.head("main") {
		t.Fatalf("cut off before event %d of %d", next, w.head("main"))
	}
	again := s.follow("", "Last-Event-ID", last)
	if got, want := again.ids(1), strconv.FormatUint(next, 10); got != want {
		t.Errorf("it goes on with %s, want %s", got, want)
	}
}

// shaky is a history that cannot be read now and then.
type shaky struct {
	queries.History

	broken atomic.Bool
	asked  chan struct{}
}

func (s *shaky) ReadStream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[eventstore.Recorded, error] {
	if !s.broken.Load() {
		return s.History.ReadStream(ctx, stream, from)
	}
	select {
	case s.asked <- struct{}{}:
	default:
	}
	return func(yield func(eventstore.Recorded, error) bool) {
		yield(eventstore.Recorded{}, eventstore.ErrUnavailable)
	}
}

func TestAStoreThatIsAwayForAMoment(t *testing.T) {
	history := &shaky{asked: make(chan struct{})}
	w := newWorld(t, withoutBoard, func(o *queries.Options) {
		history.History = o.History
		o.History = history
	})
	w.open("main")
	s := w.serve()
	f := s.follow("")
	f.ids(1)
	history.broken.Store(true)
	<-history.asked
	for _, path := range []string{"/events", "/events/stream"} {
		if r := w.get("/ledgers/main" + path); r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		} else {
			r.fails(503, "overloaded")
		}
	}
	post(w)
	history.broken.Store(false)
	if got := f.ids(3); got != "1 2 3" {
		t.Errorf("when the store is back: %s", got)
	}
}

// An event that cannot be shown ends the stream, after all that come before it, and not as if it had come to its end.
func TestAStreamBreaksOffAtWhatItCannotShow(t *testing.T) {
	w := historyWorld(t)
	_, err := w.log.Append(t.Context(), "ledger-main", eventstore.Any(), []eventstore.Record{{Type: "TransactionPosted", Data: []byte(`{}`), Metadata: []byte(`{}`)}})
	must(t, err)
	s := w.serve()
	f := s.follow("")
	if got := f.ids(8); got != "0 1 2 3 4 5 6 7" {
		t.Errorf("got %s", got)
	}
	if m, err := f.next(); !errors.Is(err, io.ErrUnexpectedEOF) || m != (message{}) {
		t.Errorf("then comes %+v, %v", m, err)
	}
	if r := w.get("/ledgers/main/events/stream?from=8"); r.status != 500 {
		t.Errorf("status %d", r.status)
	}
}

func TestManyFollowAtOnce(t *testing.T) {
	const followers, posts = 100, 50
	w := newWorld(t, withoutPolling)
	w.open("main")
	s := w.serve()
	var begun, done sync.WaitGroup
	var order strings.Builder
	for revision := range posts + 3 {
		fmt.Fprint(&order, revision, " ")
	}
	want := order.String()
	var wrong atomic.Int32
	for range followers {
		begun.Add(1)
		f := s.follow("")
		done.Go(func() {
			_, _ = f.next() // the hello
			begun.Done()
			var got strings.Builder
			for range posts + 3 {
				m, _ := f.next()
				got.WriteString(m.id + " ")
			}
			if got.String() != want {
				wrong.Add(1)
			}
		})
	}
	begun.Wait()
	for range posts {
		post(w)
		w.project("ledgers")
	}
	done.Wait()
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d followers missed or repeated events", n)
	}
}
