package sqlstore

import (
	"errors"
	"fmt"
)

// When a commit fails, its pages may be in the write-ahead log, whole or in part, on the disk or only on their way. The
// connections that are open do not see them, but after a crash recovery would find them if they are whole: a record that
// is not there now could be there tomorrow. So the writer, before it goes on,
//
//   - gives the connection up and opens another one, which sees what is there;
//   - copies what is there from the log into the file, syncs that, and truncates the log, so that whatever else was in it
//     is gone.
//
// What a read shows after that is the outcome for good. Until it has succeeded nothing is appended, and streams are not
// read: see [Store.ReadStream].

// settle tries to settle the outcome of the last commit, and tells whether it did.
func (w *writer) settle() bool {
	w.session.close()
	w.session = nil
	session, err := w.reestablish()
	if err != nil {
		session.close()
		w.log.Warn("settle the outcome of a commit; trying again", "error", err)
		return false
	}
	w.session = session
	w.unsettled.Store(false)
	w.changed.Ring() // it may be there
	w.log.Info("the outcome of the commit is settled")
	return true
}

func (w *writer) reestablish() (*session, error) {
	if before := w.hook().settle; before != nil {
		if err := before(); err != nil {
			return nil, err
		}
	}
	session, err := openSession(always, w.path)
	if err != nil {
		return nil, err
	}
	var busy, logged, copied int
	err = session.conn.QueryRowxContext(always, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &logged, &copied)
	if err != nil {
		return session, fmt.Errorf("empty the write-ahead log: %w", err)
	}
	if busy != 0 {
		return session, errors.New("empty the write-ahead log: it is in use")
	}
	return session, nil
}
