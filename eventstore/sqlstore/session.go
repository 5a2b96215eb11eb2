package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// session is the one connection that writes. It belongs to the writer's goroutine. After an error it is closed and
// another one opened, rather than reasoned about.
type session struct {
	db   *sqlx.DB
	conn *sqlx.Conn

	beginTx, commitTx, rollbackTx *sqlx.Stmt
	dataVersion                   *sqlx.Stmt
	readHead, addStream, addRow   *sqlx.Stmt
	prepared                      []*sqlx.Stmt // all of them

	// heads caches where streams end. It holds what this session wrote, in the present transaction too, and what it read
	// since another connection wrote last (version says which state of the file that was).
	heads   map[string]head
	version int64
}

// head is the end of a stream. A stream that does not exist is the zero head.
type head struct {
	streamID int64
	next     int64 // the revision of the record to come
}

const maxHeads = 100_000 // about 10 MB; then the cache starts anew

// always is the context of what must not be given up half way.
var always = context.Background() //nolint:gochecknoglobals // a constant

func openSession(ctx context.Context, path string) (_ *session, err error) {
	s := &session{heads: map[string]head{}, version: -1}
	s.db, err = sqlx.Open("sqlite", dsn(path, "rw",
		busyTimeout,
		"journal_mode(WAL)",
		"synchronous(FULL)", // the commit is on the disk when it returns
		"cache_size(-32768)",
		"wal_autocheckpoint("+keptPagesMost+")",
		"journal_size_limit(67108864)"))
	if err != nil {
		return nil, fmt.Errorf("open the writing connection: %w", err)
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Connx(ctx); err != nil {
		err = fmt.Errorf("open the writing connection: %w", classify(err))
		return nil, errors.Join(err, s.db.Close())
	}
	for _, p := range []struct {
		statement **sqlx.Stmt
		query     string
	}{
		{&s.beginTx, `BEGIN IMMEDIATE`},
		{&s.commitTx, `COMMIT`},
		{&s.rollbackTx, `ROLLBACK`},
		{&s.dataVersion, `PRAGMA data_version`},
		{&s.readHead, `SELECT s.stream_id, a.first_revision + a.count FROM streams s
			JOIN appends a ON a.stream_id = s.stream_id WHERE s.name = ? ORDER BY a.first_revision DESC LIMIT 1`},
		{&s.addStream, `INSERT INTO streams (name) VALUES (?)`},
		{&s.addRow, `INSERT INTO appends (stream_id, first_revision, count, payload) VALUES (?, ?, ?, ?)`},
	} {
		//nolint:sqlclosecheck // closed with the session
		if *p.statement, err = s.conn.PreparexContext(ctx, p.query); err != nil {
			s.close()
			return nil, fmt.Errorf("prepare to write: %w", classify(err))
		}
		s.prepared = append(s.prepared, *p.statement)
	}
	return s, nil
}

// begin starts a transaction and keeps others from writing until it ends.
func (s *session) begin() error {
	if _, err := s.beginTx.ExecContext(always); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	var version int64
	if err := s.dataVersion.QueryRowxContext(always).Scan(&version); err != nil {
		return fmt.Errorf("see whether others have written: %w", err)
	}
	if version != s.version || len(s.heads) > maxHeads {
		clear(s.heads)
		s.version = version
	}
	return nil
}

// append writes one request into the transaction, or finds that it conflicts (and writes nothing). Any other error
// spoils the transaction.
//
// It leaves the rows as they are stored in the request, for the tail.
func (s *session) append(r *request) (eventstore.Appended, *eventstore.ConflictError, error) {
	at, err := s.head(r.stream)
	if err != nil {
		return eventstore.Appended{}, nil, err
	}
	exists := at.next > 0
	actual := eventstore.Revision(max(at.next-1, 0))
	if !r.expected.Holds(exists, actual) {
		return eventstore.Appended{}, &eventstore.ConflictError{
			Stream: r.stream, Expected: r.expected, Exists: exists, Actual: actual,
		}, nil
	}
	if !exists {
		if at.streamID, err = lastID(s.addStream.ExecContext(always, r.stream)); err != nil {
			return eventstore.Appended{}, nil, fmt.Errorf("add stream %q: %w", r.stream, err)
		}
	}
	key := keyOf(at.streamID)
	var position, item int64
	for _, row := range r.rows {
		row.Seal(key, at.next)
		position, err = lastID(s.addRow.ExecContext(always, at.streamID, at.next, row.Count, row.Payload))
		if err != nil {
			return eventstore.Appended{}, nil, fmt.Errorf("add %d records to stream %q: %w", row.Count, r.stream, err)
		}
		r.stored = append(r.stored, rowlog.Row{
			Position: position, Stream: r.stream, Key: key,
			FirstRevision: at.next, Count: int64(row.Count), Payload: row.Payload,
		})
		at.next += int64(row.Count)
		item = int64(row.Count) - 1
	}
	s.heads[r.stream] = at
	return eventstore.Appended{
		Last:     eventstore.Revision(at.next - 1),
		Position: eventstore.NewPosition(uint64(position), uint64(item)),
	}, nil, nil
}

func (s *session) head(stream string) (head, error) {
	if at, ok := s.heads[stream]; ok {
		return at, nil
	}
	var at head
	err := s.readHead.QueryRowxContext(always, stream).Scan(&at.streamID, &at.next)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return head{}, fmt.Errorf("find the end of stream %q: %w", stream, err)
	}
	return at, nil
}

func (s *session) commit() error {
	_, err := s.commitTx.ExecContext(always)
	return err //nolint:wrapcheck // wrapped by the writer
}

// rollback ends a transaction that wrote nothing.
func (s *session) rollback() error {
	_, err := s.rollbackTx.ExecContext(always)
	return err //nolint:wrapcheck // wrapped by the writer
}

func (s *session) close() {
	if s == nil {
		return
	}
	// Whatever fails here, nothing that was acknowledged depends on it: a transaction that is open is undone, and the
	// write-ahead log stays to be recovered by the next connection.
	for _, statement := range s.prepared {
		_ = statement.Close() // one left open would keep the connection, and its locks, behind the pool's back
	}
	_ = s.conn.Close()
	_ = s.db.Close()
}

func lastID(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.LastInsertId() //nolint:wrapcheck // wrapped by the caller
}
