package esdbserver

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// gossipService tells clients that discover a cluster that this is all of it.
type gossipService struct {
	gossip.UnimplementedGossipServer

	instance uuid.UUID
}

// Read names this server, at the address by which the client has reached it. It calls itself the leader, although it may
// not be written to: there is no other, and some clients look for no less.
func (g *gossipService) Read(ctx context.Context, _ *shared.Empty) (*gossip.ClusterInfo, error) {
	caller, ok := peer.FromContext(ctx)
	if !ok {
		return nil, status.Error(codes.Internal, "a call without a connection")
	}
	address, ok := caller.LocalAddr.(*net.TCPAddr)
	if !ok {
		return nil, status.Error(codes.FailedPrecondition, "a cluster is discovered over TCP only")
	}
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   writer{}.id(eventstore.ID(g.instance)),
		TimeStamp:    ticks(time.Now()),
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: address.IP.String(), Port: uint32(address.Port)},
	}}}, nil
}

// protocolVersion is the release of EventStoreDB whose protocol this is: the first that tells subscribers when they have
// caught up.
const protocolVersion = "23.10.0"

// featuresService tells clients what there is to call, so that they do without the rest.
type featuresService struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods lists the methods that are answered.
func (featuresService) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	method := func(service, name string, features ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: strings.ToLower(service), MethodName: name, Features: features}
	}
	return &serverfeatures.SupportedMethods{
		EventStoreServerVersion: protocolVersion,
		Methods: []*serverfeatures.SupportedMethod{
			method(streams.Streams_ServiceDesc.ServiceName, "read", "position", "events"),
			method(streams.Streams_ServiceDesc.ServiceName, "append"),
			method(streams.Streams_ServiceDesc.ServiceName, "delete"),
			method(streams.Streams_ServiceDesc.ServiceName, "tombstone"),
			method(gossip.Gossip_ServiceDesc.ServiceName, "read"),
			method(serverfeatures.ServerFeatures_ServiceDesc.ServiceName, "getsupportedmethods"),
		},
	}, nil
}
