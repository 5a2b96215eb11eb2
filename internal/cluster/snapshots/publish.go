package snapshots

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// Name implements run.Worker.
func (s *Shared) Name() string { return "sharing of snapshots" }

// Pauses after a failure, twice as long each time.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

// Run implements run.Worker: it copies what was saved to NATS, one snapshot at a time, until ctx ends. What it is in the middle of is
// given up then.
func (s *Shared) Run(ctx context.Context) error {
	pause, failed := leastPause, false
	for {
		stream, ok := s.next(ctx)
		if !ok {
			return nil
		}
		err := s.publish(ctx, stream)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was broken off
		}
		switch {
		case err == nil:
			if failed {
				s.log.InfoContext(ctx, "snapshots are shared with other nodes again")
			}
			pause, failed = leastPause, false
			continue
		case !failed:
			s.log.WarnContext(ctx, "a snapshot could not be shared with other nodes: one that takes the ledger over reads more of the log",
				"stream", stream, "error", err)
		}
		failed = true
		if !errors.Is(err, errNoRoom) { // the next snapshot may fit
			s.enqueue(stream)
		}
		run.Pause(ctx, pause)
		pause = min(2*pause, mostPause)
	}
}

// next waits for a stream whose snapshot is to be copied, and tells whether there is one: there is none when ctx ends.
func (s *Shared) next(ctx context.Context) (stream string, ok bool) {
	for ctx.Err() == nil {
		s.mu.Lock()
		if len(s.waiting) > 0 {
			stream, s.waiting = s.waiting[0], s.waiting[1:]
			s.mu.Unlock()
			return stream, true
		}
		s.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
		}
	}
	return "", false
}

// publish copies the snapshot of a stream that was saved last to NATS, if that is worth it.
func (s *Shared) publish(ctx context.Context, stream string) error {
	snapshot, revision, needs, err := s.local.Open(stream)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was dropped
	}
	if err != nil {
		return err //nolint:wrapcheck // says what was tried
	}
	defer func() { _ = snapshot.Close() }() // nothing was written
	started := time.Now()
	p := &publication{Shared: s, stream: stream, snapshot: snapshot, revision: revision, needs: needs}
	done, err := p.publish(ctx)
	switch {
	case err == nil && !done:
		return nil
	case errors.Is(err, errOvertaken):
		s.metrics.published.WithLabelValues("overtaken").Inc()
		s.log.DebugContext(ctx, "another node has shared a snapshot meanwhile", "stream", stream, "revision", revision)
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return nil // a run that this one needs is gone, since there is a newer one, which waits
	case err != nil:
		s.metrics.published.WithLabelValues("failed").Inc()
		return err
	}
	s.metrics.published.WithLabelValues("done").Inc()
	s.metrics.publishSeconds.Observe(time.Since(started).Seconds())
	s.log.DebugContext(ctx, "a snapshot was shared", "stream", stream, "revision", revision, "took", time.Since(started))
	return nil
}

// publication is a snapshot on its way to NATS.
type publication struct {
	*Shared

	stream   string
	snapshot *os.File
	revision eventstore.Revision
	needs    []runs.ID

	was   manifest
	there map[string]uint64 // the parts that there were of each file, by its id
	sent  []string          // the ids of files that were sent
}

// publish tells whether it was worth it, and done.
func (p *publication) publish(ctx context.Context) (done bool, err error) {
	if err = p.bucket.ensure(ctx); err != nil {
		return false, err
	}
	if p.was, err = p.bucket.manifest(ctx, p.stream); err != nil {
		return false, err
	}
	if !p.worth() {
		return false, nil
	}
	if p.there, err = p.bucket.files(ctx, p.stream); err != nil {
		return false, err
	}
	next, err := p.send(ctx)
	if err == nil {
		next.sequence, err = p.bucket.replace(ctx, p.stream, &next, p.was.sequence)
	}
	if err != nil {
		if !errors.Is(err, errUnknown) { // else it may be named by now, and whoever comes next finds out
			p.bucket.drop(ctx, p.stream, p.sent)
		}
		return false, err
	}
	p.learn(p.stream, known{origin: next.sequence})
	p.sweep(ctx, &next)
	return true, nil
}

// worth tells whether the snapshot is that much newer than the one which is there, or that one is of no use.
func (p *publication) worth() bool {
	there := p.was.events()
	if k := p.knownOf(p.stream); !p.ours(&p.was) || k.useless && k.avoid == p.was.sequence {
		there = 0
	}
	return int64(p.revision)+1-there >= int64(p.options.Worth)
}

// send sends what is not there yet.
func (p *publication) send(ctx context.Context) (next manifest, err error) {
	next = manifest{Format: manifestFormat, Log: p.options.Log, Kind: p.options.Kind, Revision: p.revision}
	for _, id := range p.needs {
		r, there := p.was.find(id)
		if !there || !p.ours(&p.was) || p.there[r.ID] != r.Parts {
			source, err := p.local.Runs(p.stream).Source(id)
			if err != nil {
				return next, err //nolint:wrapcheck // names the run
			}
			r = sharedRun{Name: id.Name, Sum: id.Sum}
			r.file, err = p.sendFile(ctx, source)
			if err = errors.Join(err, source.Close()); err != nil {
				return next, err
			}
		}
		next.Runs = append(next.Runs, r)
	}
	next.Snapshot, err = p.sendFile(ctx, p.snapshot)
	return next, err
}

// sendFile sends a file under an id of its own.
func (p *publication) sendFile(ctx context.Context, source *os.File) (file, error) {
	info, err := source.Stat()
	if err != nil {
		return file{}, err
	}
	if err := p.bucket.roomFor(ctx, info.Size()); err != nil {
		return file{}, err
	}
	f := file{ID: newID()}
	p.sent = append(p.sent, f.ID)
	err = p.bucket.send(ctx, p.stream, &f, source)
	return f, err
}

// sweep takes away what was there and is not named any more. Nobody can name it later, since who would have found it in a manifest
// before this one, or sent it on top of one, and cannot replace this one by that.
func (p *publication) sweep(ctx context.Context, now *manifest) {
	for _, f := range now.files() {
		delete(p.there, f.ID)
	}
	for id := range p.there {
		if err := p.bucket.purge(ctx, p.stream, id); err != nil {
			p.log.WarnContext(ctx, "a snapshot that nobody needs stays in NATS for now", "stream", p.stream, "error", err)
			return
		}
	}
}
