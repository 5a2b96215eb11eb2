package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// channel is where processes tell each other that there is more to read.
	channel = "daybook_eventstore"
	// announceEvery is how long announcements are at least apart: under load one stands for many appends.
	announceEvery = 5 * time.Millisecond
	// Listening is tried again after pauses between these.
	minBackoff, maxBackoff = 50 * time.Millisecond, 5 * time.Second
	// listenFor is how long a silent connection is trusted before it is asked whether it is still there.
	listenFor = 15 * time.Second
)

// tell says that there may be more to read: at once to this process, soon to the others.
func (s *Store) tell() {
	s.changed.Ring()
	select {
	case s.appended <- struct{}{}:
	default: // it will be told anyway
	}
}

// announce tells other processes of appends, until the store is closed. It is a transaction of its own that writes
// nothing: one that writes would hold up the commits of all others that notify until its own was synced.
//
// Whoever misses an announcement finds the append by looking from time to time.
func (s *Store) announce() {
	for {
		select {
		case <-s.appended:
		case <-s.life.Done():
			return
		}
		ctx, cancel := s.bounded(s.life)
		_, err := s.reads.Exec(ctx, `SELECT pg_notify($1, '')`, channel)
		cancel()
		if err != nil && s.life.Err() == nil {
			s.log.DebugContext(s.life, "announce appends", "error", err)
		}
		s.sleep(announceEvery)
	}
}

// listen wakes subscriptions when other processes announce appends, until the store is closed. It connects anew as often
// as it has to.
func (s *Store) listen(config *pgx.ConnConfig) {
	backoff, failing := minBackoff, false
	for s.life.Err() == nil {
		err := s.hear(config, func() {
			if failing {
				s.log.InfoContext(s.life, "listening to the database again")
			}
			backoff, failing = minBackoff, false
		})
		if s.life.Err() != nil {
			return
		}
		s.distrust(err)
		if !failing {
			failing = true
			s.log.WarnContext(s.life, "cannot listen to the database, trying again until it works", "error", err)
		}
		s.sleep(backoff)
		backoff = min(2*backoff, maxBackoff)
	}
}

// hear listens on one connection until that fails.
func (s *Store) hear(config *pgx.ConnConfig, listening func()) error {
	ctx, cancel := s.bounded(s.life)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	listening()
	s.changed.Ring() // for what was announced before it listened
	for {
		announced, err := s.heard(conn)
		if err != nil {
			return err
		}
		if announced {
			s.changed.Ring()
		}
	}
}

// heard returns when something was announced, or after a while of silence in which the connection held.
func (s *Store) heard(conn *pgx.Conn) (announced bool, err error) {
	ctx, cancel := context.WithTimeout(s.life, listenFor)
	defer cancel()
	_, err = conn.WaitForNotification(ctx)
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err == nil, err //nolint:wrapcheck // of the connection
	}
	ping, cancelPing := s.bounded(s.life)
	defer cancelPing()
	return false, conn.Ping(ping) //nolint:wrapcheck // of the connection
}

// sleep waits, but not longer than the store is open.
func (s *Store) sleep(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.life.Done():
	}
}

// closeConn says good-bye to the server, if it still listens.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing depends on it
}
