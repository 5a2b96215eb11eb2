package snapshots

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// partBytes is the length of a part of a file, and of every one but the last.
	partBytes = 128 << 10
	// window is how many parts are on the way at a time, which others who use the connection have to wait for: 2 MiB.
	window = 16
)

func newID() string { return rand.Text() }

// part is one that is on its way.
type part struct {
	data []byte
	ack  jetstream.PubAckFuture // nil for none
}

// send sends a file, and notes what it comes to.
func (b *bucket) send(ctx context.Context, stream string, f *file, source io.Reader) error {
	sum := sha256.New()
	source = io.TeeReader(source, sum)
	var parts [window]part
	size := min(partBytes, int(b.js.Conn().MaxPayload()))
	for last := false; !last; f.Parts++ {
		p := &parts[f.Parts%window]
		if err := b.arrived(ctx, p); err != nil {
			return err
		}
		if p.data == nil {
			p.data = make([]byte, size)
		}
		n, err := io.ReadFull(source, p.data)
		if last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && !last {
			return fmt.Errorf("read a file of %s: %w", stream, err)
		}
		if n == 0 {
			break
		}
		if p.ack, err = b.js.PublishAsync(fileOf(stream, f.ID), p.data[:n]); err != nil {
			return fmt.Errorf("send a file of %s: %w", stream, err)
		}
		f.Bytes += int64(n)
	}
	for i := range parts {
		if err := b.arrived(ctx, &parts[(f.Parts+uint64(i))%window]); err != nil {
			return err
		}
	}
	f.SHA256 = sum.Sum(nil)
	return nil
}

// arrived waits until a part is stored, whose memory can then be used again.
func (b *bucket) arrived(ctx context.Context, p *part) error {
	if p.ack == nil {
		return nil
	}
	select {
	case <-p.ack.Ok():
		b.metrics.bytes.WithLabelValues("sent").Add(float64(len(p.ack.Msg().Data)))
		p.ack = nil
		return nil
	case err := <-p.ack.Err():
		return fmt.Errorf("send a part of a file: %w", refusal(b.gone(err)))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive writes a file that was sent. It fails where that is not whole, or nothing comes for too long.
func (b *bucket) receive(ctx context.Context, stream string, f *file, to io.Writer) error {
	r := &reception{bucket: b, file: f, sum: sha256.New(), to: to}
	if err := r.receive(ctx, fileOf(stream, f.ID)); err != nil {
		return fmt.Errorf("fetch a file of %s: %w", stream, err)
	}
	return nil
}

// reception is a file on its way here.
type reception struct {
	*bucket

	file  *file
	parts uint64
	bytes int64
	sum   interface {
		io.Writer
		Sum(b []byte) []byte
	}
	to io.Writer
}

func (r *reception) receive(ctx context.Context, subject string) error {
	messages, err := r.open(ctx)
	if err != nil {
		return err
	}
	consumer, err := r.consume(ctx, messages, subject)
	if err != nil {
		return r.gone(err)
	}
	defer func() { // the server does by itself, a little later
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.patience)
		defer cancel()
		_ = messages.DeleteConsumer(ctx, consumer.CachedInfo().Name)
	}()
	if there := consumer.CachedInfo().NumPending; there != r.file.Parts {
		return fmt.Errorf("%w: there are %d parts, and should be %d", errDamaged, there, r.file.Parts)
	}
	for r.parts < r.file.Parts {
		if err := r.some(ctx, consumer); err != nil {
			return err
		}
	}
	if r.bytes != r.file.Bytes || !bytes.Equal(r.sum.Sum(nil), r.file.SHA256) {
		return fmt.Errorf("%w: it has another checksum", errDamaged)
	}
	return nil
}

func (r *reception) consume(ctx context.Context, messages jetstream.Stream, subject string) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	return messages.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: subject, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: 4 * r.patience,
	})
}

// some takes the next parts.
func (r *reception) some(ctx context.Context, consumer jetstream.Consumer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	batch, err := consumer.Fetch(int(min(window, r.file.Parts-r.parts)), jetstream.FetchContext(ctx))
	if err != nil {
		return err //nolint:wrapcheck // by receive
	}
	before := r.parts
	for message := range batch.Messages() { // to the end, even after an error, so that nobody is left waiting
		if err == nil {
			err = r.take(message.Data())
		}
	}
	switch {
	case err != nil:
		return err
	case batch.Error() != nil:
		return batch.Error() //nolint:wrapcheck // by receive
	case r.parts == before:
		return fmt.Errorf("%w: there are no more than %d of %d parts", errDamaged, r.parts, r.file.Parts)
	}
	return nil
}

func (r *reception) take(data []byte) error {
	r.parts++
	if r.bytes += int64(len(data)); r.bytes > r.file.Bytes {
		return fmt.Errorf("%w: it is longer than %d bytes", errDamaged, r.file.Bytes)
	}
	r.metrics.bytes.WithLabelValues("received").Add(float64(len(data)))
	_, _ = r.sum.Write(data) // never fails
	_, err := r.to.Write(data)
	return err //nolint:wrapcheck // of the caller's file
}
