package esdb

import (
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// codec is gRPC's own, for the whole program. It gives what was read the time of its creation where the server left that out:
// the client ends the process (log.Fatalf) where it cannot read it, and nothing else stands between the two.
type codec struct{ encoding.CodecV2 }

func init() { //nolint:gochecknoinits // gRPC takes codecs at no other time
	encoding.RegisterCodecV2(codec{encoding.GetCodecV2(proto.Name)})
}

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, message any) error {
	if err := c.CodecV2.Unmarshal(data, message); err != nil {
		return err //nolint:wrapcheck // gRPC's own
	}
	if read, ok := message.(*streams.ReadResp); ok {
		dated(read.GetEvent().GetEvent())
		dated(read.GetEvent().GetLink())
	}
	return nil
}

// dated gives an event a time that the client can read. Nobody looks at it here.
func dated(e *streams.ReadResp_ReadEvent_RecordedEvent) {
	const created = "created"
	if e == nil {
		return
	}
	if _, err := strconv.ParseInt(e.GetMetadata()[created], 10, 64); err == nil {
		return
	}
	if e.Metadata == nil {
		e.Metadata = map[string]string{}
	}
	e.Metadata[created] = "0"
}
