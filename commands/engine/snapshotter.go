package engine

import (
	"errors"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// snapshotter is when a stream's snapshots are taken, and what becomes of them.
type snapshotter struct {
	// covered is how many events the snapshot has that was taken last, and size how long the one is that was saved last.
	covered eventstore.Revision
	size    int
	// since is the length of what was appended after it.
	since int
	// distrusted: what was saved contradicts the log, and is to be dropped.
	distrusted bool

	// retired are the files that the snapshot that was saved last may need, and the next one does not.
	retired []string

	saving  *saving  // nil for none
	merging *merging // nil for none
}

// due tells whether a snapshot is worth taking at this end of the stream: there are enough events, and writing it costs
// no more than writing the events since the last one did.
func (p *snapshotter) due(end eventstore.Revision, every int) bool {
	return p.saving == nil && !p.distrusted && end >= p.covered+eventstore.Revision(every) && p.since >= p.size
}

// retire gives up runs that were taken out of the register.
func (p *snapshotter) retire(dropped []*runs.Run) {
	for _, r := range dropped {
		p.retired = append(p.retired, r.Name())
		_ = r.Close() // nothing was written
	}
}

// restore loads the stream's newest snapshot, and tells whether there is one that can be read. Those that cannot be are dropped.
func (s *stream[S, C, E]) restore() bool {
	if s.options.Snapshots == nil {
		return false
	}
	for {
		snapshot, err := s.options.Snapshots.Load(s.life, s.name)
		if err != nil {
			s.log.Warn("a snapshot is ignored", "error", err)
			return false
		}
		if snapshot == nil {
			return false
		}
		if err = s.restoreSnapshot(snapshot); err == nil {
			s.snapshots.covered, s.snapshots.size, s.snapshots.since = s.head.next(), len(snapshot), 0
			s.snapshots.retired = nil
			return true
		}
		if !s.ignore(err) {
			return false
		}
	}
}

// ignore drops a snapshot that cannot be used, and tells whether there may be another one.
func (s *stream[S, C, E]) ignore(why error) bool {
	s.log.Warn("a snapshot is ignored", "error", why)
	s.unload()
	if err := s.options.Snapshots.Remove(s.life, s.name); err != nil {
		s.log.Warn("the snapshot could not be dropped", "error", err)
		return false
	}
	return true
}

// snapshotOf takes a snapshot, if one is due, while the batch that the state ends with is being appended. It is saved
// when that has succeeded.
func (s *stream[S, C, E]) snapshotOf(b *batch[C, E]) {
	s.snapshots.since += b.bytes
	if len(b.records) > 0 && s.snapshotDue() {
		b.snapshot = s.takeSnapshot()
	}
}

func (s *stream[S, C, E]) snapshotDue() bool {
	if s.options.Snapshots == nil {
		return false
	}
	s.settle()
	return s.snapshots.due(s.head.next(), s.options.SnapshotEvery)
}

// takeSnapshot freezes all that a snapshot has. It copies next to nothing: what is written later is what never changes.
func (s *stream[S, C, E]) takeSnapshot() *saving {
	r := s.register
	p := &saving{contents: contents{stream: s.name, head: s.head, secret: r.secret, time: r.time}}
	p.time.marks = slices.Clip(r.time.marks)
	if s.snapshots.merging == nil {
		s.snapshots.retire(r.oldKeys.drop(r.horizon(s.options.KeyRetention)))
	}
	p.retired, s.snapshots.retired = s.snapshots.retired, nil
	p.keyRuns, p.nameRuns = r.oldKeys.ids(), r.oldNames.ids()

	keys, count := make([][]knownKey, len(r.keys)), 0
	for i, t := range r.keys {
		keys[i] = slices.Clip(t.entries)
		count += len(t.entries)
	}
	if s.runs != nil && count > s.options.KeepInMemory {
		p.handedKeys = keys
		r.keys = append(r.keys, &keyTable{})
	} else {
		p.keys = keys
	}
	handOver := s.runs != nil && len(r.names) > s.options.KeepInMemory
	if handOver {
		p.handedNames, r.names = r.names, nil
	} else {
		p.names = slices.Clip(r.names)
	}
	p.state = s.decider.Freeze(s.state, handOver)
	s.snapshots.covered, s.snapshots.since = s.head.next(), 0
	return p
}

// startLast starts to save what is in no snapshot yet, before the engine ends, and tells whether there is something.
// Nothing is being appended or saved.
func (s *stream[S, C, E]) startLast() bool {
	if s.options.Snapshots == nil || !s.loaded || !s.head.exists || s.snapshots.covered == s.head.next() {
		return false
	}
	s.startSaving(s.takeSnapshot())
	return true
}

// saveLast saves that, and waits for it.
func (s *stream[S, C, E]) saveLast() {
	for s.snapshots.saving != nil || s.startLast() {
		p := s.snapshots.saving
		<-p.done
		s.settleSaving(p)
	}
}

// saveIdle saves that, unless somebody comes meanwhile, and tells whether nobody has.
func (s *stream[S, C, E]) saveIdle() bool {
	for s.snapshots.saving != nil || s.startLast() {
		p := s.snapshots.saving
		select {
		case <-s.box.wake:
			return false
		case <-p.done:
			s.settleSaving(p)
		}
	}
	return true
}

// beingSaved is closed when what is being saved is; nil where nothing is.
func (p *snapshotter) beingSaved() <-chan struct{} {
	if p.saving == nil {
		return nil
	}
	return p.saving.done
}

// abandon waits until nothing is done any more to what was taken of the state, and forgets about it.
func (s *stream[S, C, E]) abandon() {
	s.stopMerging()
	if p := s.snapshots.saving; p != nil {
		<-p.done
		p.closeRuns() // they are opened anew
		s.snapshots.saving = nil
	}
}

// discard drops what was saved of the stream. A snapshot that cannot be dropped is useless without its runs.
func (s *stream[S, C, E]) discard() {
	s.unload()
	s.snapshots.distrusted = false
	err := s.options.Snapshots.Remove(s.life, s.name)
	if s.runs != nil {
		err = errors.Join(err, s.runs.Keep(nil))
	}
	if err != nil {
		s.log.Error("the snapshot could not be dropped", "error", err)
	}
}
