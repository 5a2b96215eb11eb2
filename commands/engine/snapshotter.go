package engine

import (
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
)

// snapshotter is when a stream's snapshots are taken.
type snapshotter struct {
	// covered is how many events the newest snapshot has, and size how long it is.
	covered eventstore.Revision
	size    int
	// since is the length of what was appended after it.
	since int
	// saving is closed when the snapshot that is being saved is; nil for none.
	saving chan struct{}
}

// due tells whether a snapshot is worth taking at this end of the stream: there are enough events, and writing it costs
// no more than writing the events since the last one did.
func (p *snapshotter) due(end eventstore.Revision, every int) bool {
	if p.saving != nil {
		select {
		case <-p.saving:
			p.saving = nil
		default:
			return false
		}
	}
	return end >= p.covered+eventstore.Revision(every) && p.since >= p.size
}

// restore loads the stream's newest snapshot, and tells whether there is one that can be used.
func (s *stream[S, C, E]) restore() bool {
	if s.options.Snapshots == nil {
		return false
	}
	snapshot, err := s.options.Snapshots.Load(s.life, s.name)
	if err == nil && snapshot != nil {
		err = s.restoreSnapshot(snapshot)
	}
	if err != nil {
		s.log.Warn("a snapshot is ignored", "error", err)
		return false
	}
	if snapshot != nil {
		s.snapshots.covered, s.snapshots.size, s.snapshots.since = s.head.next(), len(snapshot), 0
	}
	return snapshot != nil
}

// encodeSnapshot takes a snapshot, if one is due, while the batch that the state ends with is being appended. It is
// saved when that has succeeded.
func (s *stream[S, C, E]) encodeSnapshot(b *batch[C, E]) {
	s.snapshots.since += b.bytes
	if s.options.Snapshots == nil || len(b.records) == 0 || !s.snapshots.due(s.head.next(), s.options.SnapshotEvery) {
		return
	}
	b.snapshot = s.takeSnapshot()
	b.snapshotAt = s.head.revision
}

func (s *stream[S, C, E]) takeSnapshot() []byte {
	snapshot := s.appendSnapshot(make([]byte, 0, s.snapshots.size+s.snapshots.size/8))
	s.snapshots.covered, s.snapshots.size, s.snapshots.since = s.head.next(), len(snapshot), 0
	return snapshot
}

// saveBehind saves the snapshot of a batch that is durable now, without waiting for it.
func (s *stream[S, C, E]) saveBehind(b *batch[C, E]) {
	if b.snapshot == nil {
		return
	}
	s.awaitSaving()
	saving := make(chan struct{})
	s.snapshots.saving = saving
	go func() {
		defer close(saving)
		s.save(b.snapshotAt, b.snapshot)
	}()
}

// saveLast saves a snapshot before the engine ends, and waits for it. Nothing is being appended.
func (s *stream[S, C, E]) saveLast() {
	s.awaitSaving()
	if s.options.Snapshots == nil || !s.loaded || !s.head.exists || s.snapshots.covered == s.head.next() {
		return
	}
	s.save(s.head.revision, s.takeSnapshot())
}

func (s *stream[S, C, E]) awaitSaving() {
	if s.snapshots.saving != nil {
		<-s.snapshots.saving
		s.snapshots.saving = nil
	}
}

func (s *stream[S, C, E]) save(revision eventstore.Revision, snapshot []byte) {
	started := time.Now()
	if err := s.options.Snapshots.Save(s.life, s.name, revision, snapshot); err != nil {
		s.log.Warn("a snapshot could not be saved", "revision", revision, "error", err)
		return
	}
	s.log.Debug("a snapshot was saved", "revision", revision, "bytes", len(snapshot), "took", time.Since(started))
}
