package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// session is what a node has in the cluster. Its node counts on it until a time that begins with the sending of the last
// renewal that succeeded, so that it ends here before it ends for others.
type session struct {
	id       string
	revision uint64 // of the key
	until    time.Time
}

// sessionValue is what the key of a session holds.
type sessionValue struct {
	Node

	Session string    `json:"session"`
	Started time.Time `json:"started"`
}

// leaseMargin is the part of a lease, one in so many, that is not counted on: clocks do not run at the same speed.
const leaseMargin = 10

// keepSession renews the session until ctx ends.
func (m *Member) keepSession(ctx context.Context) error {
	connected := m.options.Conn.StatusChanged(nats.CONNECTED)
	defer m.options.Conn.RemoveStatusListener(connected)
	for {
		pause, err := m.renew(ctx)
		if err != nil {
			return err
		}
		next := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			next.Stop()
			return nil
		case <-connected:
			m.watchAnew()
		case <-next.C:
		}
		next.Stop()
	}
}

// renew renews the session or begins one, and tells when that is due again. The error says that it never will be possible.
func (m *Member) renew(ctx context.Context) (time.Duration, error) {
	started := time.Now()
	was := m.view.session(started)
	attempt := m.options.Lease / 3
	if was != nil {
		attempt = min(attempt, was.until.Sub(started)) // not to outlast what is being renewed
	}
	limited, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	var s *session
	var err error
	if was != nil {
		s, err = m.extend(limited, was)
	} else {
		s, err = m.begin(limited)
	}
	if ctx.Err() != nil {
		return 0, nil // it was broken off
	}
	m.metrics.renewed(err)
	switch {
	case err == nil:
		s.until = started.Add(m.options.Lease - m.options.Lease/leaseMargin)
		m.lastHeld = started
		m.noteSession(ctx, was, s)
		return m.options.Lease / 3, nil
	case errors.Is(err, errSessionOver):
		m.log.WarnContext(ctx, "the session in the cluster is over: what this node owned is anybody's", "session", was.id)
		m.view.lose(err)
		return 0, nil
	case m.first && errors.Is(err, jetstream.ErrLimitMarkerTTLNotSupported): // and trying again is of no use
		return 0, fmt.Errorf("NATS cannot keep a cluster: %w", err)
	case was == nil && !errors.Is(err, ErrNameTaken) && started.Sub(m.lastHeld) < m.options.Lease:
		m.view.lose(err) // servers that have just begun may need a moment
	case was == nil && !errors.Is(err, ErrNameTaken):
		if m.view.beAlone(err) {
			m.log.WarnContext(ctx, "the cluster is out of reach: this node decides commands alone", "error", err)
		}
	case was == nil:
		if _, why := m.view.standing(); !errors.Is(why, ErrNameTaken) {
			m.log.ErrorContext(ctx, "this node cannot be in the cluster: give one of the two another name", "error", err)
		}
		m.view.lose(err)
	case m.view.session(time.Now()) == nil:
		m.view.lose(err)
		return 0, nil // and find out whether anybody can be asked
	}
	return min(m.options.Lease/6, time.Second), nil
}

// noteSession takes a session, or its renewal, into the view.
func (m *Member) noteSession(ctx context.Context, was, s *session) {
	m.view.begin(s)
	switch {
	case was == nil:
		m.log.InfoContext(ctx, "a session in the cluster has begun", "session", s.id, "lease", m.options.Lease)
	case m.view.behind(was.revision):
		m.watchAnew() // it should have seen that long ago
	}
}

var errSessionOver = errors.New("the session in the cluster is over")

// extend renews a session.
func (m *Member) extend(ctx context.Context, was *session) (*session, error) {
	revision, err := m.putSession(ctx, was.id, was.revision)
	if err == nil {
		return &session{id: was.id, revision: revision}, nil
	}
	if !conflicts(err) {
		return nil, fmt.Errorf("renew the session in the cluster: %w", err)
	}
	// It is over, or a renewal before this one arrived although its answer did not.
	there, value, err := m.getSession(ctx)
	if err != nil || value.Session != was.id {
		return nil, errors.Join(errSessionOver, err)
	}
	if revision, err = m.putSession(ctx, was.id, there.Revision()); err != nil {
		return nil, fmt.Errorf("renew the session in the cluster: %w", err)
	}
	return &session{id: was.id, revision: revision}, nil
}

// begin begins a new session, where this node has none.
func (m *Member) begin(ctx context.Context) (*session, error) {
	if err := m.openBucket(ctx); err != nil {
		return nil, err
	}
	if m.nextID == "" {
		m.nextID = uuid.NewString()
	}
	there, value, err := m.getSession(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, err
	}
	bucket, _ := m.currentBucket()
	var revision uint64
	switch {
	case err != nil:
		var content []byte
		if content, err = m.sessionContent(m.nextID); err == nil {
			revision, err = bucket.Create(ctx, m.key(), content, jetstream.KeyTTL(m.ttl()))
		}
	case m.isOwn(value):
		revision, err = m.putSession(ctx, m.nextID, there.Revision())
	default:
		return nil, fmt.Errorf("%w: %s, at %s", ErrNameTaken, value.Name, value.Address)
	}
	if err != nil {
		return nil, fmt.Errorf("begin a session in the cluster: %w", err)
	}
	s := &session{id: m.nextID, revision: revision}
	m.nextID, m.lastID, m.first = "", s.id, false
	return s, nil
}

// isOwn tells whether a session that is there is one that this node may replace: it was begun without the answer having come, or was
// this node's and is over only by its own clock, or is what a process before this one left behind.
func (m *Member) isOwn(there sessionValue) bool {
	return there.Session == m.nextID || there.Session == m.lastID || m.first && there.Home == m.options.Node.Home
}

// putSession writes the session's key where its revision is the given one, and has it last for another lease. The library has no
// function that does both.
func (m *Member) putSession(ctx context.Context, id string, after uint64) (revision uint64, err error) {
	content, err := m.sessionContent(id)
	if err != nil {
		return 0, err
	}
	ack, err := m.js.PublishMsg(ctx, &nats.Msg{Subject: "$KV." + Bucket + "." + m.key(), Header: nats.Header{}, Data: content},
		jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithMsgTTL(m.ttl()), jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func (m *Member) sessionContent(id string) ([]byte, error) {
	content, err := json.Marshal(sessionValue{Node: m.options.Node, Session: id, Started: m.started})
	if err != nil {
		return nil, fmt.Errorf("write a session: %w", err)
	}
	return content, nil
}

// ttl is the lease as servers count it, in whole seconds.
func (m *Member) ttl() time.Duration {
	return (m.options.Lease + time.Second - 1).Truncate(time.Second)
}

func (m *Member) key() string { return nodeKeys + m.options.Node.Name }

// getSession reads the session's key.
func (m *Member) getSession(ctx context.Context) (there jetstream.KeyValueEntry, value sessionValue, err error) {
	bucket, _ := m.currentBucket()
	there, err = bucket.Get(ctx, m.key())
	if err == nil {
		err = json.Unmarshal(there.Value(), &value)
	}
	if err != nil {
		return nil, value, fmt.Errorf("read the session in the cluster: %w", err)
	}
	return there, value, nil
}

// endSession ends the session for all.
func (m *Member) endSession(ctx context.Context) {
	s := m.view.session(time.Now())
	m.view.stop()
	if s == nil {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.options.Lease/3)
	defer cancel()
	bucket, _ := m.currentBucket()
	err := bucket.Delete(limited, m.key(), jetstream.LastRevision(s.revision))
	if err != nil {
		m.log.WarnContext(ctx, "the session in the cluster could not be ended, and will when its lease is over", "error", err)
	}
}

// conflicts tells whether a compare-and-set found something else than was expected.
func conflicts(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
