package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ack is an answer of the broker to a message of a batch. There are some few to a batch, which is why it may be JSON.
type ack struct {
	// Type is "ack" where Sequence messages of the batch are stored, "gap" and "err" where the batch ends (what is stored
	// follows), and empty for the last word, which is Error, or Count, and Sequence is the last one's number in the stream.
	Type     string              `json:"type"`
	Sequence uint64              `json:"seq"`
	Batch    string              `json:"batch"`
	Count    int                 `json:"count"`
	Error    *jetstream.APIError `json:"error"`
}

var errGap = errors.New("a message was lost on its way to the broker")

// acknowledged takes the broker's answers. One that comes after its flight ended is of no interest.
func (p *Publisher) acknowledged(msg *nats.Msg) {
	id, _, _ := strings.Cut(strings.TrimPrefix(msg.Subject, p.inbox), ".")
	p.mu.Lock()
	f := p.flights[id]
	p.mu.Unlock()
	if f != nil {
		f.answer(msg.Data)
	}
}

func (f *flight) answer(data []byte) {
	if len(data) == 0 {
		// The only answer without a body is the server's own, that nobody listens on the subject.
		f.abandon(fmt.Errorf("publish: %w", jetstream.ErrNoStreamResponse))
		return
	}
	var a ack
	if err := json.Unmarshal(data, &a); err != nil {
		f.abandon(fmt.Errorf("read JetStream's acknowledgement: %w", err))
		return
	}
	switch {
	case a.Type == "ack":
		f.store(int(a.Sequence))
	case a.Type == "gap":
		f.fail(errGap)
	case a.Type == "err" && a.Error != nil:
		f.fail(fmt.Errorf("publish: %w", a.Error))
	case a.Error != nil:
		f.abandon(fmt.Errorf("publish: %w", a.Error))
	case a.Batch != "":
		f.store(a.Count)
		f.finish(a.Sequence)
	default:
		f.abandon(fmt.Errorf("publish: %w", jetstream.ErrInvalidJSAck))
	}
}
