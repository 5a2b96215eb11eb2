package engine

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/internal/runs"
)

// saving is a snapshot on its way to the disk. Its contents belong to a goroutine of its own until done is closed, and so
// does what it comes to.
type saving struct {
	contents
	// handedKeys and handedNames are what the register hands over to runs.
	handedKeys  [][]knownKey
	handedNames []runs.Entry
	retired     []string // files that nobody needs once it is saved

	done      chan struct{}
	saved     bool
	size      int
	keyRun    *runs.Run // nil where none were handed over
	nameRun   *runs.Run
	startedAt time.Time
}

// startSaving saves a snapshot of what is durable, without waiting for it.
func (s *stream[S, C, E]) startSaving(p *saving) {
	if p == nil {
		return
	}
	p.done, p.startedAt = make(chan struct{}), time.Now()
	s.snapshots.saving = p
	go func() {
		defer close(p.done)
		useless := p.retired
		if err := s.save(p); err != nil {
			s.log.Warn("a snapshot could not be saved", "revision", p.head.revision, "error", err)
			useless = p.written() // the disk may be full
		} else {
			p.saved = true
			s.metrics.snapshotSeconds.Observe(time.Since(p.startedAt).Seconds())
		}
		if s.runs == nil {
			return
		}
		if err := s.runs.Remove(useless); err != nil {
			s.log.Warn("runs that no snapshot needs stay", "error", err)
		}
	}()
}

// written are the files of the runs that were written for it.
func (p *saving) written() (names []string) {
	for _, run := range []*runs.Run{p.keyRun, p.nameRun} {
		if run != nil {
			names = append(names, run.Name())
		}
	}
	return names
}

// save writes what is handed over, and then the snapshot that counts on it.
func (s *stream[S, C, E]) save(p *saving) (err error) {
	if p.keyRun, err = s.hand(p, keyRuns, s.entriesOf(p.handedKeys), &p.keyRuns); err != nil {
		return err
	}
	if p.nameRun, err = s.hand(p, nameRuns, p.handedNames, &p.nameRuns); err != nil {
		return err
	}
	//nolint:wrapcheck // it is told as it is
	return s.options.Snapshots.Save(s.life, s.name, p.head.revision, func(to io.Writer) (err error) {
		p.size, err = p.write(to)
		return err
	})
}

// hand writes entries as a run, and adds it to a list. Where it fails there may be a run all the same.
func (s *stream[S, C, E]) hand(p *saving, kind string, entries []runs.Entry, list *[]runs.ID) (*runs.Run, error) {
	if len(entries) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	// The names' entries are needed as they are if the snapshot cannot be saved.
	run, err := s.runs.Write(runName(kind, uint64(p.head.revision)), slices.Clone(entries))
	if err == nil {
		err = s.runs.Sync()
	}
	if err != nil {
		return run, err //nolint:wrapcheck // says what was tried
	}
	*list = append(*list, run.ID())
	return run, nil
}

// What the names of runs begin with.
const (
	keyRuns  = "keys"
	nameRuns = "names"
)

// runName is what no other run is called, of this engine or of any: snapshots and their runs are passed from one engine to another.
func runName(kind string, last uint64) string {
	return fmt.Sprintf("%s-%d-%s.run", kind, last, strings.ToLower(rand.Text()))
}

func (s *stream[S, C, E]) entriesOf(tables [][]knownKey) []runs.Entry {
	var entries []runs.Entry
	for _, keys := range tables {
		for i := range keys {
			digest := s.options.fold(binary.BigEndian.Uint64(keys[i].digest[:]))
			entries = append(entries, runs.Entry{Digest: digest, Place: uint64(keys[i].first)})
		}
	}
	return entries
}

// settle takes over what was saved and what was merged, if it is done, and has more merged if that is worth it.
func (s *stream[S, C, E]) settle() {
	if m := s.snapshots.merging; m != nil && closed(m.done) {
		s.settleMerging(m)
	}
	if p := s.snapshots.saving; p != nil && closed(p.done) {
		s.settleSaving(p)
		s.startMerging()
	}
}

// closeRuns closes those that were written and are not used.
func (p *saving) closeRuns() {
	for _, run := range []*runs.Run{p.keyRun, p.nameRun} {
		if run != nil {
			_ = run.Close() // nothing depends on it
		}
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func (s *stream[S, C, E]) settleSaving(p *saving) {
	s.snapshots.saving = nil
	s.decider.Thaw(s.state)
	r := s.register
	if !p.saved {
		r.names = append(p.handedNames, r.names...)
		s.snapshots.retired = append(p.retired, s.snapshots.retired...)
		p.closeRuns() // they are made again
		return
	}
	s.snapshots.size = p.size
	s.log.Debug("a snapshot was saved", "revision", p.head.revision, "bytes", p.size, "took", time.Since(p.startedAt))
	if p.keyRun != nil {
		r.oldKeys.add(p.keyRun)
		r.keys = slices.Delete(r.keys, 0, len(p.handedKeys)) // they leave memory
	}
	if p.nameRun != nil {
		r.oldNames.add(p.nameRun)
		s.decider.Names.Forget(s.state, p.state)
	}
}
