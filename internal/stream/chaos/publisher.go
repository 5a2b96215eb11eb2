package chaos

import (
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// ErrInjected is the failure of a [Publisher].
var ErrInjected = errors.New("a failure on purpose")

// Publisher fails at random: before it passes anything on, after everything, or in between, when it passes on the first of
// the messages and not the others, as a broker stores none after one that it misses.
type Publisher struct {
	publisher message.Publisher
	rate      float64

	mu     sync.Mutex
	random *rand.Rand
}

// NewPublisher makes a publisher that fails at the given rate, from 0 to 1, and otherwise hands on.
func NewPublisher(p message.Publisher, seed uint64, rate float64) *Publisher {
	return &Publisher{publisher: p, rate: rate, random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // not for secrets
}

// Publish publishes, or fails and publishes some of it.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.random.Float64() >= p.rate {
		return p.publisher.Publish(topic, messages...) //nolint:wrapcheck // this is not here
	}
	share := []float64{0, 1, p.random.Float64()}[p.random.IntN(3)]
	some := messages[:int(share*float64(len(messages)))]
	return errors.Join(ErrInjected, p.publisher.Publish(topic, some...))
}

// Close closes the publisher behind.
func (p *Publisher) Close() error { return p.publisher.Close() } //nolint:wrapcheck // this is not here
