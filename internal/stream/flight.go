package stream

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// flight is the messages of one Publish that are under way: a batch, which the broker stores from the first on and
// ends where it misses or refuses one.
type flight struct {
	id    string
	total int
	// prefix is what the reply subjects of the batch's messages begin with; see [flight.replyTo].
	prefix string
	timer  *time.Timer

	mu sync.Mutex
	// changed is signalled when more is stored, or the flight is over.
	changed *sync.Cond
	sent    int
	// stored is how many of the messages the broker has, from the first; seen is what it was when the timer last looked.
	stored int
	seen   int
	// err is the first thing that went wrong. Nothing more is sent then; over is that nothing more is awaited.
	err  error
	over bool
	// last is the number in the stream of the last message, or 0 where the broker does not say.
	last uint64
}

// What a message does to its batch, by the numbers of the protocol.
const (
	opStart  = 0
	opAppend = 1
	opCommit = 2
	// opEnd commits what was sent before; the message that says it is not stored.
	opEnd = 3
)

// maxFlow is the largest number of messages that the broker lets pass before it acknowledges them.
const maxFlow = 500

func (p *Publisher) begin(total int) (*flight, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errPublisherClosed
	}
	p.last++
	f := &flight{id: p.name + "-" + strconv.FormatUint(p.last, 36), total: total}
	// Half of what may be in flight, so that sending goes on while an acknowledgement is under way.
	flow := min(max(p.options.MaxInFlight/2, 1), maxFlow)
	f.prefix = p.inbox + f.id + "." + strconv.Itoa(flow) + ".fail."
	f.changed = sync.NewCond(&f.mu)
	f.mu.Lock()
	f.timer = time.AfterFunc(p.options.AckTimeout, func() { f.expire(p.options.AckTimeout) })
	f.mu.Unlock()
	p.flights[f.id] = f
	return f, nil
}

func (p *Publisher) end(f *flight) {
	f.timer.Stop()
	p.mu.Lock()
	delete(p.flights, f.id)
	p.mu.Unlock()
}

// reply is where the broker answers the index-th message.
func (f *flight) reply(index int) string {
	switch index {
	case f.total - 1:
		return f.replyTo(index, opCommit)
	case 0:
		return f.replyTo(index, opStart)
	}
	return f.replyTo(index, opAppend)
}

// replyTo makes <inbox>.<batch>.<flow>.<on a gap>.<number from 1>.<operation>.$FI, from which the broker reads all that
// it wants to know of the batch.
func (f *flight) replyTo(index, op int) string {
	b := make([]byte, 0, len(f.prefix)+16)
	b = append(b, f.prefix...)
	b = strconv.AppendInt(b, int64(index+1), 10)
	b = append(b, '.', '0'+byte(op))
	return string(append(b, ".$FI"...))
}

// admit waits until one more message may be sent. It is false where there is no point in sending more.
func (f *flight) admit(inFlight int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.sent-f.stored >= inFlight && f.err == nil && !f.over {
		f.changed.Wait()
	}
	if f.err != nil || f.over {
		return false
	}
	f.sent++
	return true
}

// store says that the broker has so many messages, from the first.
func (f *flight) store(n int) {
	f.update(func() { f.stored = min(max(f.stored, n), f.total) })
}

// fail says why something was not stored, which ends the batch.
func (f *flight) fail(err error) {
	f.update(func() {
		if f.err == nil {
			f.err = err
		}
	})
}

// finish is that no more answers are awaited. last is the number in the stream of the last message stored.
func (f *flight) finish(last uint64) {
	f.update(func() { f.over, f.last = true, last })
}

func (f *flight) abandon(err error) {
	f.fail(err)
	f.finish(0)
}

func (f *flight) update(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	change()
	f.changed.Signal()
}

// expire gives up where nothing was acknowledged for a whole timeout, and looks again later otherwise.
func (f *flight) expire(timeout time.Duration) {
	f.mu.Lock()
	progress := f.stored > f.seen
	f.seen = f.stored
	if progress {
		f.timer.Reset(timeout)
	}
	f.mu.Unlock()
	if !progress {
		f.abandon(fmt.Errorf("%w (%v)", ErrNotAcknowledged, timeout))
	}
}

var errCut = errors.New("the broker ended the batch early")

// wait returns when the broker has ended the batch, or will not be heard of any more. last is the number in the stream of the
// last message, or 0 where that is not known.
func (f *flight) wait() (last uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.over {
		f.changed.Wait()
	}
	if f.stored == f.total && f.err == nil {
		return f.last, nil
	}
	e := &PublishError{Total: f.total, Err: f.err}
	if e.Err == nil {
		e.Err = errCut
	}
	for i := f.stored; i < f.total; i++ {
		e.Failed = append(e.Failed, i)
	}
	return 0, e
}
