package pgstore

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// What the tests of this room, which see it from outside, need to reach into a store.

// OpenThrough opens a store whose appends go over a line that can be cut, by connections that are not tried before they are
// used.
func OpenThrough(t testing.TB, url string, options Options) (*Store, *Line) {
	t.Helper()
	line := &Line{}
	s, err := open(t.Context(), url, options, func(config *pgxpool.Config) {
		dial := config.ConnConfig.DialFunc
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &cuttable{Conn: conn, line: line}, err
		}
		config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, line
}

// OpenTrying opens a store that tries each connection before it appends with it, as it does with those that were idle.
func OpenTrying(t testing.TB, url string, options Options) *Store {
	t.Helper()
	s, err := open(t.Context(), url, options, func(config *pgxpool.Config) {
		config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TakeConnections takes all connections that appends could use, until it is told to give them back.
func (s *Store) TakeConnections(t testing.TB) (release func()) {
	t.Helper()
	var taken []*pgxpool.Conn
	for range s.appends.Config().MaxConns {
		conn, err := s.appends.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, conn)
	}
	return func() {
		for _, conn := range taken {
			conn.Release()
		}
	}
}

// AwaitWaiting returns when so many appends wait for a connection.
func (s *Store) AwaitWaiting(t testing.TB, appends int) {
	t.Helper()
	for s.queue.length() < appends {
		if t.Context().Err() != nil {
			t.FailNow()
		}
		time.Sleep(time.Millisecond)
	}
}

// Line is what connections to the database go over.
type Line struct{ cut atomic.Int32 }

const (
	whole  = iota
	before // the next statement is lost on its way to the database
	after  // its answer is lost on its way back
	early  // of its answer the end is lost, by which alone the database says that it has committed
)

// Cut cuts the connection that carries the next append: after that was carried out, or before.
func (l *Line) Cut(carriedOut bool) {
	if carriedOut {
		l.cut.Store(after)
	} else {
		l.cut.Store(before)
	}
}

// CutEarly cuts the connection that carries the next append in the middle of its answer: all is there but the last message.
func (l *Line) CutEarly() { l.cut.Store(early) }

type cuttable struct {
	net.Conn

	line *Line
	cut  atomic.Int32
}

// bind is the first byte of a message that binds arguments to a statement.
const bind = 'B'

func (c *cuttable) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == bind {
		c.cut.Store(c.line.cut.Swap(whole))
	}
	if c.cut.Load() == before {
		c.Close()
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *cuttable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch c.cut.Load() {
	case after: // it was answered, so it was carried out
		c.Close()
		return 0, io.EOF
	case early:
		if rest, ended := bytes.CutSuffix(p[:n], ready); ended {
			c.Close()
			return len(rest), nil
		}
	}
	return n, err
}

// ready is the message of a database that waits for the next statement, outside of a transaction.
var ready = []byte{'Z', 0, 0, 0, 5, 'I'}
