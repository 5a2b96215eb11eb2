package forward

import (
	"errors"
	"io"
	"sync"
)

// window is how many parts may be on the way without the receiver having used them up.
const window = 16

var errFlow = errors.New("a part is missing, or there are more than were asked for")

// sender sends a stream of bytes in parts. It is an [io.Writer]; Close sends what is left, as the last part.
type sender struct {
	size int // of a part, in bytes
	send func(frame) error

	mu     sync.Mutex
	freed  sync.Cond // something was used up, or err is set
	err    error     // why nothing more is sent
	unused uint64    // parts that were sent, and not used up yet, begin here
	held   bool      // nothing but the first part may be sent

	// Of the writer.
	buffer []byte
	number uint64 // of the next part
}

func newSender(size int, send func(frame) error) *sender {
	s := &sender{size: size, send: send}
	s.freed.L = &s.mu
	return s
}

// Write implements [io.Writer]. It waits while too much is on the way.
func (s *sender) Write(p []byte) (int, error) {
	written := 0
	for len(s.buffer)+len(p) > s.size {
		n := s.size - len(s.buffer)
		if err := s.flush(append(s.buffer, p[:n]...), false); err != nil {
			return written, err
		}
		p, written = p[n:], written+n
	}
	s.buffer = append(s.buffer, p...)
	return written + len(p), nil
}

// Close sends the rest.
func (s *sender) Close() error { return s.flush(s.buffer, true) }

// flushing sends at once what is written.
type flushing struct{ to *sender }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.to.Write(p)
	if err == nil {
		err = f.to.flush(f.to.buffer, false)
	}
	return n, err
}

func (s *sender) flush(data []byte, last bool) error {
	s.mu.Lock()
	for s.err == nil && (s.number >= s.unused+window || s.held && s.number > 0) {
		s.freed.Wait()
	}
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.send(frame{kind: part, number: s.number, last: last, data: data}); err != nil {
		return err
	}
	s.number++
	s.buffer = s.buffer[:0]
	return nil
}

// begun tells whether anything was sent. It is the writer's to ask.
func (s *sender) begun() bool { return s.number > 0 }

// hold holds everything up but the first part, until release.
func (s *sender) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

func (s *sender) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	s.freed.Signal()
}

// used notes that the receiver has used up a part, and those before it.
func (s *sender) used(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unused = max(s.unused, number+1)
	s.freed.Signal()
}

// fail ends the sending.
func (s *sender) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.freed.Broadcast()
}

// receiver receives a stream of bytes in parts. It is an [io.Reader].
type receiver struct {
	used func(number uint64) // tells the sender

	mu       sync.Mutex
	arrived  sync.Cond // there is a part, or an end
	parts    [][]byte  // not used up
	expected uint64    // the number of the next part to arrive
	err      error     // why no more will arrive: io.EOF after the last part
}

func newReceiver(used func(uint64)) *receiver {
	r := &receiver{used: used}
	r.arrived.L = &r.mu
	return r
}

// take takes a part that has arrived.
func (r *receiver) take(f frame) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil // nobody reads it
	}
	if f.number != r.expected || len(r.parts) > window {
		return errFlow
	}
	r.expected++
	r.parts = append(r.parts, f.data)
	if f.last {
		r.err = io.EOF
	}
	r.arrived.Broadcast()
	return nil
}

// fail ends the receiving: what has arrived is not read any more.
func (r *receiver) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err, r.parts = err, nil
	}
	r.arrived.Broadcast()
}

// isRead tells whether all has arrived and was read.
func (r *receiver) isRead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Is(r.err, io.EOF) && len(r.parts) == 0
}

// Read implements [io.Reader]. It waits for what has not arrived.
func (r *receiver) Read(p []byte) (int, error) {
	r.mu.Lock()
	for len(r.parts) == 0 && r.err == nil {
		r.arrived.Wait()
	}
	if len(r.parts) == 0 {
		defer r.mu.Unlock()
		return 0, r.err
	}
	n := copy(p, r.parts[0])
	r.parts[0] = r.parts[0][n:]
	done := len(r.parts[0]) == 0
	number := r.expected - uint64(len(r.parts))
	tell := done && r.err == nil
	if done {
		r.parts = r.parts[1:]
	}
	r.mu.Unlock()
	if tell {
		r.used(number)
	}
	return n, nil
}
