package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrConflict means that the stream exists and is not such that events could be relied on to pass through it.
var ErrConflict = errors.New("the JetStream stream " + Name + " is not as it has to be")

// conflict tells in what a stream that somebody else made, or changed, cannot do what is asked of it: everything that would
// lose, hide or refuse events. How much it keeps, and for how long, is its owner's business.
func (c Config) conflict(s *jetstream.StreamConfig) error {
	var found []string
	mind := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	mind(s.Mirror != nil || len(s.Sources) > 0, "it takes messages from other streams")
	mind(!slices.Equal(s.Subjects, []string{All}), "its subjects are %q, not %q", s.Subjects, All)
	mind(s.SubjectTransform != nil, "it changes subjects")
	mind(s.Retention != jetstream.LimitsPolicy, "its retention is %s, not Limits", s.Retention)
	mind(s.Discard != jetstream.DiscardOld, "it refuses new messages when it is full, instead of discarding old ones")
	mind(s.MaxMsgsPerSubject > 0, "it keeps only %d messages of a subject", s.MaxMsgsPerSubject)
	mind(s.MaxMsgSize > 0 && s.MaxMsgSize < MaxEventBytes, "it takes no message larger than %d bytes, and events can have %d",
		s.MaxMsgSize, MaxEventBytes)
	mind(s.NoAck, "it does not acknowledge")
	mind(s.Sealed, "it is sealed")
	mind(!s.AllowBatchPublish, "it does not allow batches (allow_batched, which needs NATS 2.14)")
	mind(s.Replicas < c.Replicas, "it is kept by %d servers, not by %d", max(s.Replicas, 1), c.Replicas)
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s. Change it, or remove it: it is then made, and filled from the event store",
		ErrConflict, strings.Join(found, "; "))
}
