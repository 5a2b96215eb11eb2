package forward

import (
	"errors"
	"sync"
	"time"
)

// Why an exchange ends before its answer has. After all but the first two the request may have been carried out.
var (
	errUnsent     = errors.New("the request reached nobody")
	errRefused    = errors.New("the other node does not take it")
	errSilent     = errors.New("nothing was heard of the other node")
	errUnknown    = errors.New("the other node does not know of the exchange")
	errGivenUp    = errors.New("the other node gave the exchange up")
	errOwnerGone  = errors.New("the session of the other node is over")
	errNotWaiting = errors.New("nobody waits for the answer any more")
)

// exchange is one side of a request and its answer on their way between two nodes.
type exchange struct {
	out *sender
	in  *receiver

	send    func(frame) error
	silence time.Duration // how long the other side may say nothing

	mu    sync.Mutex
	heard time.Time // of the other side, or when the exchange began
	any   bool      // anything was heard
	life  *time.Timer
	ended bool
	err   error
	over  chan struct{} // closed when it has ended
}

// beats is how many signs of life a side gives in the time that it may say nothing.
const beats = 10

// newExchange makes a side that sends its frames by a function, in parts of so many bytes. It is to begin, and to end.
func newExchange(silence time.Duration, size int, send func(frame) error) *exchange {
	x := &exchange{send: send, silence: silence, heard: time.Now(), over: make(chan struct{})}
	x.out = newSender(size, send)
	x.in = newReceiver(func(number uint64) { _ = x.send(frame{kind: used, number: number}) }) // if it is lost, so is the exchange
	return x
}

// begin begins to give signs of life, and to expect them.
func (x *exchange) begin() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.life = time.AfterFunc(x.silence/beats, x.live)
}

// live tells the other side that this one is there, and ends the exchange where nothing was heard of the other.
func (x *exchange) live() {
	x.mu.Lock()
	if x.ended {
		x.mu.Unlock()
		return
	}
	silent := time.Since(x.heard) > x.silence
	x.life.Reset(x.silence / beats)
	x.mu.Unlock()
	if silent {
		x.giveUp(errSilent) // which the other side may hear although it is not heard
		return
	}
	_ = x.send(frame{kind: present}) // where it cannot be sent, the other side hears nothing
}

// deliver takes a frame of the other side.
func (x *exchange) deliver(f frame) {
	x.mu.Lock()
	x.heard, x.any = time.Now(), true
	x.mu.Unlock()
	switch f.kind {
	case opening, part:
		if err := x.in.take(f); err != nil {
			x.giveUp(err)
		}
	case used:
		x.out.used(f.number)
	case present:
	case refused:
		x.end(errRefused)
	case unknown:
		x.end(errUnknown)
	case broken:
		x.end(errGivenUp)
	case last:
	}
}

func (x *exchange) isHeard() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.any
}

// giveUp ends the exchange and tells the other side.
func (x *exchange) giveUp(why error) {
	if x.end(why) {
		_ = x.send(frame{kind: broken})
	}
}

// end ends the exchange on this side, and tells whether it had not before.
func (x *exchange) end(why error) bool {
	x.mu.Lock()
	if x.ended {
		x.mu.Unlock()
		return false
	}
	x.ended, x.err = true, why
	x.life.Stop()
	close(x.over)
	x.mu.Unlock()
	x.out.fail(why)
	x.in.fail(why)
	return true
}
