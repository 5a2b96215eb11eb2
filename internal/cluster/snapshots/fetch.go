package snapshots

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"
)

// What reading the log costs at its best, which fetching a snapshot is held to.
const (
	// eventTime is how long an event takes to be read and evolved.
	eventTime = 2 * time.Microsecond
	// eventBytes is how much is fetched in that time.
	eventBytes = 256
)

// rest is how long NATS is not asked after it was out of reach: a stream may be loaded many times a second.
const rest = 10 * time.Second

// update fetches a snapshot that is newer than the one that is here, if that is worth it, and tries once more where it was replaced
// meanwhile. Whatever goes wrong, what is here stays.
func (s *Shared) update(ctx context.Context, stream string) {
	for range 3 {
		m, ok := s.look(ctx, stream)
		if !ok || !s.wants(stream, &m) {
			return
		}
		started := time.Now()
		err := s.fetch(ctx, stream, &m)
		if err == nil {
			s.learn(stream, known{origin: m.sequence})
			s.metrics.fetched.WithLabelValues("done").Inc()
			s.metrics.fetchSeconds.Observe(time.Since(started).Seconds())
			s.log.InfoContext(ctx, "a snapshot of another node was fetched", "stream", stream, "revision", m.Revision, "took", time.Since(started))
			return
		}
		if ctx.Err() != nil {
			return
		}
		s.metrics.fetched.WithLabelValues("failed").Inc()
		s.log.WarnContext(ctx, "a snapshot of another node could not be fetched", "stream", stream, "revision", m.Revision,
			"error", err, "after", time.Since(started))
		s.avoid(stream, m.sequence)
	}
}

// look asks NATS what there is, if it is within reach.
func (s *Shared) look(ctx context.Context, stream string) (m manifest, ok bool) {
	s.mu.Lock()
	resting := time.Now().Before(s.restUntil)
	s.mu.Unlock()
	if resting || !s.options.Conn.IsConnected() || !fitStream.MatchString(stream) {
		return m, false
	}
	m, err := s.bucket.manifest(ctx, stream)
	if err != nil && ctx.Err() == nil {
		s.mu.Lock()
		s.restUntil = time.Now().Add(rest)
		s.mu.Unlock()
		s.log.WarnContext(ctx, "it cannot be told which snapshots other nodes have", "stream", stream, "error", err)
	}
	return m, err == nil
}

// wants tells whether what a manifest names is worth fetching. Where it is the other way round, what is here is copied to NATS.
func (s *Shared) wants(stream string, m *manifest) bool {
	events := int64(0)
	if s.ours(m) {
		events = m.events()
	}
	here, ok := s.here(stream)
	ahead := events - here
	switch {
	case !ok:
		return false
	case -ahead >= int64(s.options.Worth):
		s.enqueue(stream)
		return false
	case ahead < int64(s.options.Worth) || s.knownOf(stream).avoid == m.sequence:
		return false
	}
	missing := m.Snapshot.Bytes
	for i := range m.Runs {
		if !s.local.Runs(stream).Has(m.Runs[i].id()) {
			missing += m.Runs[i].Bytes
		}
	}
	return missing <= ahead*eventBytes
}

// here tells how many events the snapshot has that is here, which is none where it cannot be read, and whether others can be put
// here at all.
func (s *Shared) here(stream string) (events int64, ok bool) {
	if s.local.Runs(stream) == nil {
		return 0, false
	}
	snapshot, revision, _, err := s.local.Open(stream)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("the snapshot that is here cannot be read", "stream", stream, "error", err)
		}
		return 0, true
	}
	_ = snapshot.Close() // nothing was written
	return int64(revision) + 1, true
}

// fetch puts what a manifest names here: the runs, and then the snapshot that refers to them.
func (s *Shared) fetch(ctx context.Context, stream string, m *manifest) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Patience+time.Duration(m.events())*eventTime)
	defer cancel()
	dir, written := s.local.Runs(stream), false
	for i := range m.Runs {
		r := &m.Runs[i]
		if dir.Has(r.id()) {
			continue
		}
		err := dir.Receive(r.id(), func(to io.Writer) error { return s.bucket.receive(ctx, stream, &r.file, to) })
		if err != nil {
			return err //nolint:wrapcheck // says what was tried
		}
		written = true
	}
	if written {
		if err := dir.Sync(); err != nil {
			return err //nolint:wrapcheck // says what was tried
		}
	}
	//nolint:wrapcheck // says what was tried
	return s.local.Save(ctx, stream, m.Revision, func(to io.Writer) error { return s.bucket.receive(ctx, stream, &m.Snapshot, to) })
}

// avoid has a manifest's files not fetched again.
func (s *Shared) avoid(stream string, sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.known[stream]
	k.avoid, k.useless = sequence, false
	s.known[stream] = k
}
