package esdbserver

import (
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/daybook-ledger/daybook/eventstore"
)

// searchWindow is how many records are looked at for one unit of the interval of checkpoints, where the client does not
// say.
const searchWindow = 32

// filter is what a client wants of the whole log.
type filter struct {
	matches func(eventstore.Recorded) bool
	// checkpointEvery is after how many records looked at a subscription hears how far that is.
	checkpointEvery uint64
}

// readFilter reads the filter of a call; nil is none.
func readFilter(options *streams.ReadReq_Options) (*filter, error) {
	o := options.GetFilter()
	if o == nil {
		return nil, nil //nolint:nilnil // none is what the call asks for
	}
	f := &filter{checkpointEvery: searchWindow}
	if window, ok := o.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok && window.Max > 0 {
		f.checkpointEvery = uint64(window.Max)
	}
	f.checkpointEvery *= uint64(max(1, o.GetCheckpointIntervalMultiplier()))

	var expression *streams.ReadReq_Options_FilterOptions_Expression
	var subject func(eventstore.Recorded) string
	switch by := o.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_EventType:
		expression, subject = by.EventType, func(r eventstore.Recorded) string { return r.Type }
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		expression, subject = by.StreamIdentifier, func(r eventstore.Recorded) string { return r.Stream }
	default:
		return nil, malformed("a filter wants an expression for types or for streams")
	}
	matches, err := readExpression(expression)
	if err != nil {
		return nil, err
	}
	f.matches = func(r eventstore.Recorded) bool { return matches(subject(r)) }
	return f, nil
}

func readExpression(e *streams.ReadReq_Options_FilterOptions_Expression) (func(string) bool, error) {
	if pattern := e.GetRegex(); pattern != "" {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return nil, malformed("the filter's regular expression, which has to be in the syntax of RE2: " + err.Error())
		}
		return compiled.MatchString, nil
	}
	prefixes := e.GetPrefix()
	if len(prefixes) == 0 {
		return nil, malformed("a filter wants a regular expression or prefixes")
	}
	return func(s string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(s, prefix) {
				return true
			}
		}
		return false
	}, nil
}
