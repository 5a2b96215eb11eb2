package snapshots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream is the stream of JetStream that snapshots are in. It can be removed at any time.
const Stream = "DAYBOOK_SNAPSHOTS"

const (
	subjects = "daybook.snapshots."
	all      = subjects + ">"
)

func manifestOf(stream string) string    { return subjects + stream + ".manifest" }
func fileOf(stream, id string) string    { return subjects + stream + ".file." + id }
func filesOf(stream string) string       { return fileOf(stream, "*") }
func idOf(stream, subject string) string { return strings.TrimPrefix(subject, fileOf(stream, "")) }

var (
	errUnfit     = errors.New("the stream " + Stream + " in NATS was not made for snapshots: remove it")
	errNoRoom    = errors.New("the stream " + Stream + " in NATS has no room for it")
	errOvertaken = errors.New("another node has replaced the manifest")
	errUnknown   = errors.New("nobody knows whether the manifest was replaced")
	errDamaged   = errors.New("it is not what was sent")
)

// bucket is the stream.
type bucket struct {
	js       jetstream.JetStream
	patience time.Duration
	maxBytes int64
	replicas int
	metrics  *metrics

	mu     sync.Mutex
	stream jetstream.Stream // nil until it was there once, and when it is gone
}

// open gives the stream. Where there is none it gives [jetstream.ErrStreamNotFound].
func (b *bucket) open(ctx context.Context) (jetstream.Stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stream != nil {
		return b.stream, nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	found, err := b.js.Stream(ctx, Stream)
	if err == nil {
		err = fits(&found.CachedInfo().Config)
	}
	if err != nil {
		return nil, fmt.Errorf("look up the stream %s: %w", Stream, err)
	}
	b.stream = found
	return found, nil
}

// ensure makes the stream where it is missing.
func (b *bucket) ensure(ctx context.Context) error {
	_, err := b.open(ctx)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	_, err = b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: Stream, Description: "Snapshots of Daybook's ledgers, for nodes that take them over", Subjects: []string{all},
		MaxBytes: b.maxBytes, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage, Replicas: b.replicas, AllowRollup: true,
	})
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // by another node, just now
		return fmt.Errorf("make the stream %s of %d bytes: %w", Stream, b.maxBytes, err)
	}
	return nil
}

// fits refuses a stream that somebody made in which snapshots could not be kept or replaced.
func fits(c *jetstream.StreamConfig) error {
	if !slices.Contains(c.Subjects, all) || !c.AllowRollup || c.DenyPurge || c.Sealed || c.NoAck || c.MaxAge > 0 || c.MaxMsgsPerSubject > 0 ||
		c.MaxMsgs > 0 || c.Discard != jetstream.DiscardNew || c.Retention != jetstream.LimitsPolicy || c.MaxMsgSize > 0 && c.MaxMsgSize < partBytes {
		return errUnfit
	}
	return nil
}

// gone takes why a request to the stream failed, and has the stream looked up again if there is none. It gives the same error.
func (b *bucket) gone(err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) {
		b.mu.Lock()
		b.stream = nil
		b.mu.Unlock()
	}
	return err
}

// manifest reads that of a ledger's stream: the zero one where there is none, or none that can be read.
func (b *bucket) manifest(ctx context.Context, stream string) (m manifest, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	messages, err := b.open(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	message, err := messages.GetLastMsgForSubject(ctx, manifestOf(stream))
	if err = b.gone(err); errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read the manifest of %s: %w", stream, err)
	}
	if m, err = parseManifest(message.Data); err != nil {
		m = manifest{} // it is to be replaced
	}
	m.sequence = message.Sequence
	return m, nil
}

// replace writes the manifest of a ledger's stream in place of that with a sequence, 0 for none, and tells the sequence of the new one.
func (b *bucket) replace(ctx context.Context, stream string, m *manifest, after uint64) (sequence uint64, err error) {
	text, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("write a manifest: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	message := &nats.Msg{Subject: manifestOf(stream), Data: text, Header: nats.Header{}}
	message.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	ack, err := b.js.PublishMsg(ctx, message, jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithRetryAttempts(0))
	if err == nil {
		return ack.Sequence, nil
	}
	err = b.gone(err)
	api := (*jetstream.APIError)(nil)
	refused := errors.As(err, &api)
	switch {
	case refused && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant):
		return 0, errOvertaken
	case refused || errors.Is(err, jetstream.ErrNoStreamResponse):
		return 0, fmt.Errorf("replace the manifest of %s: %w", stream, refusal(err))
	default:
		return 0, fmt.Errorf("%w, of %s: %w", errUnknown, stream, err)
	}
}

// refusal says that there is no room where that is why something was refused.
func refusal(err error) error {
	const insufficientResources, storageExceeded, memoryExceeded, cannotStore = 10023, 10047, 10028, 10077
	api := (*jetstream.APIError)(nil)
	if errors.As(err, &api) && slices.Contains([]jetstream.ErrorCode{insufficientResources, storageExceeded, memoryExceeded, cannotStore}, api.ErrorCode) {
		return fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return err
}

// roomFor tells whether so many bytes fit.
func (b *bucket) roomFor(ctx context.Context, bytes int64) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	messages, err := b.open(ctx)
	if err != nil {
		return err
	}
	info, err := messages.Info(ctx)
	if err != nil {
		return fmt.Errorf("look into the stream %s: %w", Stream, b.gone(err))
	}
	if most := info.Config.MaxBytes; most > 0 && bytes > most-int64(info.State.Bytes) {
		return fmt.Errorf("%w: %d bytes, beside the %d that it has, are more than %d", errNoRoom, bytes, info.State.Bytes, most)
	}
	return nil
}

// files tells how many parts there are of each file of a ledger's stream, by its id.
func (b *bucket) files(ctx context.Context, stream string) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	messages, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	info, err := messages.Info(ctx, jetstream.WithSubjectFilter(filesOf(stream)))
	if err != nil {
		return nil, fmt.Errorf("look for files of %s: %w", stream, b.gone(err))
	}
	parts := map[string]uint64{}
	for subject, n := range info.State.Subjects {
		parts[idOf(stream, subject)] = n
	}
	return parts, nil
}

// purge takes away what there is of a file.
func (b *bucket) purge(ctx context.Context, stream, id string) error {
	ctx, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	messages, err := b.open(ctx)
	if err != nil {
		return err
	}
	if err := messages.Purge(ctx, jetstream.WithPurgeSubject(fileOf(stream, id))); err != nil {
		return fmt.Errorf("remove a file of %s: %w", stream, b.gone(err))
	}
	return nil
}

// drop takes away files that were sent for nothing, after ctx has ended too. What it does not get to is swept by the next publication.
func (b *bucket) drop(ctx context.Context, stream string, ids []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.patience)
	defer cancel()
	for _, id := range ids {
		if b.purge(ctx, stream, id) != nil {
			return
		}
	}
}
