package esdbserver

import (
	"context"
	"errors"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// refusal is an error of a call and the trailers by which clients tell it from others of its code.
type refusal struct {
	code     codes.Code
	message  string
	trailers []string // names and values, in turn
}

func (r *refusal) Error() string { return r.message }

// GRPCStatus is how gRPC sends it.
func (r *refusal) GRPCStatus() *status.Status { return status.New(r.code, r.message) }

func malformed(message string) error {
	return &refusal{code: codes.InvalidArgument, message: message}
}

func accessDenied(why string) error {
	return &refusal{
		code: codes.PermissionDenied, message: "Access Denied: " + why, trailers: []string{"exception", "access-denied"},
	}
}

func tooLarge(maxBytes int) error {
	size := strconv.Itoa(maxBytes)
	return &refusal{
		code: codes.InvalidArgument, message: "Maximum Append Size of " + size + " Exceeded.",
		trailers: []string{"exception", "maximum-append-size-exceeded", "maximum-append-size", size},
	}
}

func missing(property string) error {
	return &refusal{
		code: codes.InvalidArgument, message: "Required Metadata Property '" + property + "' is missing",
		trailers: []string{
			"exception", "missing-required-metadata-property",
			"required-metadata-properties", metadataType + "," + metadataContentType,
		},
	}
}

// answer gives an error of a call its code, and has its trailers sent.
func answer(err error, setTrailer func(metadata.MD)) error {
	var refused *refusal
	if errors.As(err, &refused) {
		setTrailer(metadata.Pairs(refused.trailers...))
	}
	return err
}

// unreadable is what a client is told of a reading that failed.
func (s *service) unreadable(ctx context.Context, err error) error {
	if _, ok := status.FromError(err); ok {
		return err // it says so itself: the client is gone, or the request is not one
	}
	switch {
	case s.life.Err() != nil, errors.Is(err, eventstore.ErrClosed):
		return status.Error(codes.Unavailable, "Server Is Not Ready: it is stopping")
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case errors.Is(err, eventstore.ErrUnavailable):
		return status.Error(codes.Unavailable, "Server Is Not Ready: "+err.Error())
	}
	s.options.Logger.ErrorContext(ctx, "a client of the EventStoreDB endpoint cannot read the log", "error", err)
	if errors.Is(err, eventstore.ErrCorrupt) {
		return status.Error(codes.DataLoss, err.Error())
	}
	return status.Error(codes.Unknown, err.Error())
}

// unwritten is what a client is told of an append that failed. RESOURCE_EXHAUSTED promises that nothing was written,
// which UNAVAILABLE does not: that may also come from a connection that broke.
func (s *service) unwritten(err error) error {
	switch {
	case errors.Is(err, eventstore.ErrTooLarge):
		return tooLarge(s.options.MaxAppendBytes)
	case errors.Is(err, eventstore.ErrInvalid):
		return malformed(err.Error())
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrOverloaded), errors.Is(err, eventstore.ErrClosed):
		return &refusal{code: codes.ResourceExhausted, message: err.Error()}
	case errors.Is(err, eventstore.ErrOutcomeUnknown):
		return &refusal{code: codes.Aborted, message: "Operation timed out: " + err.Error()}
	default:
		return &refusal{code: codes.Unknown, message: err.Error()}
	}
}
