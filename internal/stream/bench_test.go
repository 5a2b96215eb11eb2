package stream_test

import (
	"context"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/stream"
)

// renumbered gives messages ids that the broker does not know. The rest of them does not matter to it.
func renumbered(messages []*message.Message, from int) []*message.Message {
	for i, msg := range messages {
		msg.UUID = "0197d0c0-0000-7000-" + strconv.Itoa(1_000_000_000+from+i)
	}
	return messages
}

// rates reports events a second, and the processor time that each cost, client and server together: the latter says
// something on a busy machine, too.
func rates(b *testing.B) func(events int) {
	b.Helper()
	processor := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := processor()
	return func(events int) {
		b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(float64(processor()-before)/float64(events), "cpu-ns/event")
	}
}

func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run("batch="+strconv.Itoa(size), func(b *testing.B) {
			p := newPublisher(b, startStream(b), stream.PublisherOptions{})
			messages := messagesOf(eventsOf("shop", 0, size))
			b.ReportAllocs()
			report := rates(b)
			n := 0
			for b.Loop() {
				if err := p.Publish(stream.Topic, renumbered(messages, n)...); err != nil {
					b.Fatal(err)
				}
				n += size
			}
			report(n)
		})
	}
}

// BenchmarkJetStreamAsync is the client's own asynchronous publishing, for comparison.
func BenchmarkJetStreamAsync(b *testing.B) {
	const size = 1000
	conn := startStream(b)
	js := newJetStream(b, conn)
	messages := messagesOf(eventsOf("shop", 0, size))
	b.ReportAllocs()
	report := rates(b)
	n := 0
	for b.Loop() {
		for _, msg := range renumbered(messages, n) {
			out := nats.NewMsg(msg.Metadata[stream.KeySubject])
			out.Data = msg.Payload
			out.Header.Set(stream.HeaderID, msg.UUID)
			for _, key := range []string{stream.KeyRevision, stream.KeyPosition, stream.KeyMetadata} {
				out.Header.Set(key, msg.Metadata[key])
			}
			if _, err := js.PublishMsgAsync(out); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		n += size
	}
	report(n)
}

// BenchmarkEndToEnd publishes and subscribes at once; making the messages from events is part of it.
func BenchmarkEndToEnd(b *testing.B) {
	const size = 1000
	conn := startStream(b)
	p := newPublisher(b, conn, stream.PublisherOptions{})
	messages := subscribe(b, conn, stream.SubscriberOptions{})
	events := eventsOf("shop", 0, size)
	b.ReportAllocs()
	total := b.N * size
	report := rates(b)
	published := make(chan error, 1)
	b.ResetTimer()
	go func() {
		for n := 0; n < total; n += size {
			if err := p.Publish(stream.Topic, renumbered(messagesOf(events), n)...); err != nil {
				published <- err
				return
			}
		}
		published <- nil
	}()
	batches := 0
	for received := 0; received < total; batches++ {
		msg := receive(b, messages)
		received += len(stream.Batch(msg))
		msg.Ack()
	}
	if err := <-published; err != nil {
		b.Fatal(err)
	}
	report(total)
	b.ReportMetric(float64(total)/float64(batches), "events/batch")
}

// BenchmarkReceive subscribes to what is there already: how fast a projector that lags can catch up.
func BenchmarkReceive(b *testing.B) {
	const size = 1000
	conn := startStream(b)
	p := newPublisher(b, conn, stream.PublisherOptions{})
	messages := messagesOf(eventsOf("shop", 0, size))
	for n := range b.N {
		if err := p.Publish(stream.Topic, renumbered(messages, n*size)...); err != nil {
			b.Fatal(err)
		}
	}
	s, err := stream.NewSubscriber(conn, stream.SubscriberOptions{Start: stream.StartAt(1)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	b.ReportAllocs()
	b.ResetTimer()
	report := rates(b)
	batches, err := s.Subscribe(context.Background(), stream.All)
	if err != nil {
		b.Fatal(err)
	}
	for received := 0; received < b.N*size; {
		msg := receive(b, batches)
		received += len(stream.Batch(msg))
		msg.Ack()
	}
	report(b.N * size)
}
