package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Broker is the JetStream stream itself: what there is to say to it besides publishing and subscribing.
type Broker struct {
	js     jetstream.JetStream
	config Config
}

// NewBroker makes a broker over a connection, which stays the caller's.
func NewBroker(conn *nats.Conn, c Config) (*Broker, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err //nolint:wrapcheck // it tells what is wrong with the options, of which there are none
	}
	return &Broker{js: js, config: c}, nil
}

// Ensure makes the stream as configured where it is missing. One that exists is changed to be so in the embedded shape; elsewhere
// it is somebody's, and Ensure fails with [ErrConflict] where it does not serve.
func (b *Broker) Ensure(ctx context.Context) error {
	if !b.js.Conn().IsConnected() {
		return ErrDisconnected
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	existing, err := b.js.Stream(ctx, Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		existing, err = b.js.CreateStream(ctx, b.config.jetstream())
	} else if err == nil && b.config.Embedded {
		config := b.config.jetstream()
		config.PersistMode = existing.CachedInfo().Config.PersistMode // cannot be changed, and nothing depends on it
		existing, err = b.js.UpdateStream(ctx, config)
	}
	if api := (*jetstream.APIError)(nil); errors.As(err, &api) && api.ErrorCode == subjectsOverlap {
		return fmt.Errorf("%w: another stream has its subjects, %s. Remove that one", ErrConflict, All)
	}
	if err != nil {
		return fmt.Errorf("make or look up the JetStream stream %s, NATS %s: %w", Name, b.js.Conn().ConnectedServerVersion(), err)
	}
	return b.config.conflict(&existing.CachedInfo().Config)
}

// subjectsOverlap is JetStream's code for a stream whose subjects another one has already.
const subjectsOverlap jetstream.ErrorCode = 10065
