package esdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// unclearError means that an attempt was not answered, or not in a way that tells what became of it.
type unclearError struct {
	// sent is false where the server did not receive all of it, so that nothing was written.
	sent  bool
	cause error
}

func (e *unclearError) Error() string { return e.cause.Error() }
func (e *unclearError) Unwrap() error { return e.cause }

// attempt sends an append once. Its errors are ErrConflict, which has no details yet, others that promise that nothing was
// written, and unclearError.
func (a *appending) attempt(ctx context.Context) (eventstore.Appended, error) {
	session, err := a.session(ctx)
	if err != nil {
		return eventstore.Appended{}, err
	}
	options := client.AppendToStreamOptions{ExpectedRevision: client.NoStream{}}
	if revision, ok := a.expected.Revision(); ok {
		options.ExpectedRevision = client.Revision(uint64(revision))
	}
	result, err := answered(ctx, session, func(ctx context.Context) (*client.WriteResult, error) {
		return session.client.AppendToStream(ctx, a.stream, options, a.events...)
	})
	if err != nil {
		session.judge(err)
		return eventstore.Appended{}, explain(err)
	}
	appended := eventstore.Appended{Last: eventstore.Revision(result.NextExpectedVersion), Position: position(result.CommitPosition)}
	// A stream that was deleted goes on where it ended, whoever expects that there is none.
	if want := a.expected.Next() + eventstore.Revision(len(a.events)) - 1; appended.Last != want {
		return eventstore.Appended{}, fmt.Errorf("%w: what was to stand up to revision %d was written up to %d: the stream had been deleted",
			eventstore.ErrCorrupt, want, appended.Last)
	}
	if result.CommitPosition == 0 { // the server does not say where it stood when it was written before
		return a.locate(ctx, appended.Last)
	}
	return appended, nil
}

// locate finds where a record that was appended stands in the whole log.
func (a *appending) locate(ctx context.Context, last eventstore.Revision) (eventstore.Appended, error) {
	for r, err := range a.ReadStream(ctx, a.stream, last) {
		if err != nil {
			return eventstore.Appended{}, &unclearError{sent: true, cause: err}
		}
		return eventstore.Appended{Last: last, Position: r.Position}, nil
	}
	return eventstore.Appended{}, &unclearError{sent: true, cause: fmt.Errorf("revision %d cannot be read", last)}
}

// explain tells what the client's error of an append means.
func explain(err error) error {
	if errors.Is(err, errNotBegun) {
		return &unclearError{cause: err}
	}
	answer, ok := err.(*client.Error) //nolint:errorlint // what is wrapped is of another phase
	if !ok {
		// Wrapped by the client, it comes from before everything was sent. Anything else is the end of the context.
		var wrapped *client.Error
		return &unclearError{sent: !errors.As(err, &wrapped), cause: err}
	}
	if answer.IsErrorCode(client.ErrorCodeNotLeader) {
		return &unclearError{cause: err}
	}
	if meaning, ok := definite[answer.Code()]; ok {
		return fmt.Errorf("%w: %w", meaning, err)
	}
	return explainStatus(err)
}

// definite are the client's codes that tell that nothing was written, and what they mean.
//
//nolint:gochecknoglobals // a constant table
var definite = map[client.ErrorCode]error{
	client.ErrorCodeWrongExpectedVersion: eventstore.ErrConflict,
	client.ErrorCodeStreamDeleted:        eventstore.ErrCorrupt,
	client.ErrorCodeAccessDenied:         eventstore.ErrUnavailable,
	client.ErrorCodeUnauthenticated:      eventstore.ErrUnavailable,
	client.ErrorCodeUnsupportedFeature:   eventstore.ErrUnavailable,
}

// explainStatus tells what a gRPC status means that has no code of the client's own.
func explainStatus(err error) error {
	answer := status.Convert(errors.Unwrap(err))
	switch code, message := answer.Code(), answer.Message(); {
	case code == codes.InvalidArgument && strings.Contains(message, "Maximum Append"), // size, or size of an event
		code == codes.ResourceExhausted && strings.Contains(message, "larger than max"):
		return fmt.Errorf("%w: %w", eventstore.ErrTooLarge, err)
	case code == codes.InvalidArgument:
		return fmt.Errorf("%w: %w", eventstore.ErrInvalid, err)
	case code == codes.ResourceExhausted:
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	default:
		return &unclearError{sent: !errors.Is(err, io.EOF) && !notHandled[message], cause: err}
	}
}

// notHandled is what a node says that does not take up an append, be it for want of a leader.
//
//nolint:gochecknoglobals // a constant table
var notHandled = map[string]bool{"Server Is Not Ready": true, "Server Is Too Busy": true}
