package esdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// The wait before a call is made again doubles from one to the next.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
)

// pause waits before the call that follows so many in vain. It fails where ctx ends.
func pause(ctx context.Context, failures int) error {
	wait := time.NewTimer(min(firstPause<<min(failures-1, 10), maxPause))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // wrapped by the calls
	}
}

// How often a reading that comes no further is tried; a subscription is for ever.
const (
	readAttempts = 4
	forEver      = 0
)

// work reads, as far as one connection lets it. It tells by how much it has come further.
type work func(context.Context, *session) (progress int, err error)

// persist has work done that goes on where it was, until it is done, the store is closed, or nothing more comes of it.
func (s *Store) persist(ctx context.Context, attempts int, work work) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	err := s.tryHard(ctx, attempts, work)
	if ended := s.ended(ctx); err != nil && ended != nil {
		return ended
	}
	return err
}

// tryHard does work on one connection after another, until it is done, can never be, or was tried too often in vain.
func (s *Store) tryHard(ctx context.Context, attempts int, work work) error {
	for failures := 1; ; failures++ {
		session, err := s.session(ctx)
		progress := 0
		if err == nil {
			progress, err = work(ctx, session)
			session.judge(err)
			err = unreadable(err)
		}
		if ctx.Err() != nil && err != nil {
			return ctx.Err() //nolint:wrapcheck // wrapped by the calls
		}
		if !errors.Is(err, eventstore.ErrUnavailable) {
			return err
		}
		if progress > 0 {
			failures = 1
		}
		if attempts != forEver && failures >= attempts {
			return err
		}
		s.options.Logger.LogAttrs(ctx, slog.LevelInfo, "the log in EventStoreDB cannot be read, trying again", slog.Any("error", err))
		if err := pause(ctx, failures); err != nil {
			return err
		}
	}
}

// unreadable tells what the client's error of a reading means. ErrUnavailable is what may pass.
func unreadable(err error) error {
	var answer *client.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer) && answer.IsErrorCode(client.ErrorCodeResourceNotFound):
		return eventstore.ErrStreamNotFound
	case errors.As(err, &answer) && answer.IsErrorCode(client.ErrorCodeStreamDeleted), status.Code(err) == codes.DataLoss:
		return fmt.Errorf("%w: %w", eventstore.ErrCorrupt, err)
	case status.Code(err) == codes.InvalidArgument, errors.Is(err, eventstore.ErrCorrupt),
		errors.Is(err, errStopped), errors.Is(err, errEnd):
		return err
	default:
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
}
