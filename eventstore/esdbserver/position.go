package esdbserver

import (
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// A commit position is both parts of a position in one number: many clients keep the commit position alone, and some take
// it for signed.
const (
	itemBits = 20
	itemMax  = 1<<itemBits - 1
	unitMax  = 1<<(63-itemBits) - 1
)

// commitPosition is a position as clients see it.
func commitPosition(p eventstore.Position) (uint64, error) {
	unit, item := p.Parts()
	if unit > unitMax || item > itemMax {
		return 0, status.Errorf(codes.OutOfRange, "position %s of the log cannot be expressed as a commit position", p)
	}
	return unit<<itemBits | item, nil
}

// positionAt is the position that clients see as a commit position.
func positionAt(commit uint64) eventstore.Position {
	return eventstore.NewPosition(commit>>itemBits, commit&itemMax)
}

// positionBefore is a position after which the record with the given commit position comes first.
func positionBefore(commit uint64) eventstore.Position {
	if commit == 0 {
		return eventstore.Start
	}
	return positionAt(commit - 1)
}

// forwards is after which position a reading forwards begins: it shows the record at the position that is asked for.
func forwards(from *streams.ReadReq_Options_AllOptions) (eventstore.Position, error) {
	switch from := from.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		return positionBefore(from.Position.GetCommitPosition()), nil
	case *streams.ReadReq_Options_AllOptions_Start:
		return eventstore.Start, nil
	case *streams.ReadReq_Options_AllOptions_End:
		return eventstore.End, nil
	default:
		return eventstore.Start, malformed("a read of $all wants a position, the start or the end")
	}
}

// backwards is before which position a reading backwards begins: it does not show the record at the position that is
// asked for. Subscriptions, which do not show it either, begin after the same position.
func backwards(from *streams.ReadReq_Options_AllOptions) (eventstore.Position, error) {
	switch from := from.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Position:
		return positionAt(from.Position.GetCommitPosition()), nil
	case *streams.ReadReq_Options_AllOptions_Start:
		return eventstore.Start, nil
	case *streams.ReadReq_Options_AllOptions_End:
		return eventstore.End, nil
	default:
		return eventstore.Start, malformed("a read of $all wants a position, the start or the end")
	}
}
