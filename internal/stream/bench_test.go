package stream_test

import (
	"strconv"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/daybook-ledger/daybook/internal/stream"
)

// renumbered gives messages ids that the broker does not know. The rest of them does not matter to it.
func renumbered(messages []*message.Message, from int) []*message.Message {
	for i, msg := range messages {
		msg.UUID = "0197d0c0-0000-7000-" + strconv.Itoa(1_000_000_000+from+i)
	}
	return messages
}

func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run("batch="+strconv.Itoa(size), func(b *testing.B) {
			p := newPublisher(b, startStream(b), stream.PublisherOptions{})
			messages := messagesOf(eventsOf("shop", 0, size))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := p.Publish(stream.Topic, renumbered(messages, n)...); err != nil {
					b.Fatal(err)
				}
				n += size
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
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
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(total)/float64(batches), "events/batch")
}
