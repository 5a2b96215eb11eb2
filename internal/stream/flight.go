package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// flight is the messages of one Publish that are under way.
type flight struct {
	id    string
	total int
	timer *time.Timer

	mu sync.Mutex
	// changed is signalled when a message was answered or the flight was abandoned.
	changed *sync.Cond
	sent    int
	// answered counts the set bits of answers; seen is what it was when the timer last looked.
	answered int
	seen     int
	answers  []bool
	failures map[int]error
	// abandoned is why no more answers are awaited.
	abandoned error
}

func (p *Publisher) begin(total int) (*flight, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errPublisherClosed
	}
	p.last++
	f := &flight{id: strconv.FormatUint(p.last, 36), total: total, answers: make([]bool, total)}
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

// acknowledged takes the broker's answer to one message. One that comes after its flight ended is of no interest.
func (p *Publisher) acknowledged(msg *nats.Msg) {
	id, number, ok := strings.Cut(strings.TrimPrefix(msg.Subject, p.inbox), ".")
	if !ok {
		return
	}
	index, err := strconv.ParseUint(number, 36, 32)
	if err != nil {
		return
	}
	p.mu.Lock()
	f := p.flights[id]
	p.mu.Unlock()
	if f != nil {
		f.answer(int(index), failure(msg))
	}
}

// failure is what the broker objects to, or nil.
func failure(msg *nats.Msg) error {
	if len(msg.Data) == 0 {
		// The only answer without a body is the server's own, that nobody listens on the subject.
		return fmt.Errorf("publish: %w", jetstream.ErrNoStreamResponse)
	}
	if !bytes.Contains(msg.Data, []byte(`"error"`)) && bytes.Contains(msg.Data, []byte(`"seq"`)) {
		return nil
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return fmt.Errorf("read JetStream's acknowledgement: %w", err)
	}
	if answer.Error == nil {
		return fmt.Errorf("publish: %w", jetstream.ErrInvalidJSAck)
	}
	return fmt.Errorf("publish: %w", answer.Error)
}

func (f *flight) reply(inbox string, index int) string {
	b := make([]byte, 0, len(inbox)+len(f.id)+8)
	b = append(b, inbox...)
	b = append(b, f.id...)
	b = append(b, '.')
	return string(strconv.AppendUint(b, uint64(index), 36))
}

// admit waits until one more message may be sent. It is false where there is no point in sending more.
func (f *flight) admit(inFlight int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.sent-f.answered >= inFlight && f.abandoned == nil {
		f.changed.Wait()
	}
	if f.abandoned != nil || len(f.failures) > 0 {
		return false
	}
	f.sent++
	return true
}

func (f *flight) answer(index int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if index >= f.total || f.answers[index] {
		return
	}
	f.answers[index] = true
	f.answered++
	if err != nil {
		if f.failures == nil {
			f.failures = make(map[int]error)
		}
		f.failures[index] = err
	}
	f.changed.Signal()
}

// fail is an answer that came from this side: the message was not sent.
func (f *flight) fail(index int, err error) { f.answer(index, err) }

func (f *flight) abandon(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.abandoned = errors.Join(f.abandoned, err)
	f.changed.Signal()
}

// expire gives up where nothing was answered for a whole timeout, and looks again later otherwise.
func (f *flight) expire(timeout time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answered > f.seen {
		f.seen = f.answered
		f.timer.Reset(timeout)
		return
	}
	f.abandoned = fmt.Errorf("%w (%v)", ErrNotAcknowledged, timeout)
	f.changed.Signal()
}

// wait returns when all that was sent is answered, or will not be.
func (f *flight) wait() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.answered < f.sent && f.abandoned == nil {
		f.changed.Wait()
	}
	if f.answered == f.total && len(f.failures) == 0 {
		return nil
	}
	e := &PublishError{Total: f.total}
	for i, answered := range f.answers {
		err := f.failures[i]
		if answered && err == nil {
			continue
		}
		if err == nil {
			err = f.abandoned
		}
		e.Failed = append(e.Failed, i)
		if e.Err == nil {
			e.Err = err
		}
	}
	return e
}
