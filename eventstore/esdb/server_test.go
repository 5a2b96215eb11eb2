package esdb_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"iter"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/proxytest"
)

func TestURLsThatAreRefused(t *testing.T) {
	for url, says := range map[string]string{
		"http://localhost:2113": "scheme",
		"esdb://":               "host",
		"esdb://localhost:x":    "port",
		"esdb://user:secret@localhost:1?tls=false":            "would not be sent",
		"esdb://user:secret@[::1?tls=true":                    "]",
		"esdb://localhost:1?tls=perhaps":                      "true or false",
		"esdb://localhost:1?tls=false&tls=true":               "twice",
		"esdb://localhost:1?tsl=false":                        "tsl",
		"esdb://localhost:1?nodePreference=follower":          "nodePreference",
		"esdb://localhost:1?maxDiscoverAttempts=5":            "maxDiscoverAttempts",
		"esdb://localhost:1?maxAppendSize=many":               "maxAppendSize",
		"esdb://localhost:1?maxAppendSize=1000":               "at least",
		"esdb://localhost:1?defaultDeadline=soon":             "milliseconds",
		"esdb://localhost:1?userCertFile=only.pem":            "userKeyFile",
		"esdb://localhost:1?tlsCaFile=none-such.pem":          "none-such.pem",
		"esdb://localhost:1?%zz":                              "%zz",
		"esdb://user:secret@localhost:1,host:x?tls=true":      "",
		"esdb+discover://user:secret@localhost:1/p?tls=false": "",
	} {
		_, err := esdb.Open(t.Context(), url, esdb.Options{})
		if err == nil || errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want that it says %q", url, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error holds the password: %v", url, err)
		}
	}
}

func TestOpeningWhereThereIsNoServer(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	for _, url := range []string{"esdb://" + address, "esdb+discover://" + address, "esdb://" + address + "," + address} {
		if _, err := esdb.Open(patient(t), url+parameters, esdb.Options{}); !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("open %s: %v, want that the store is unavailable", url, err)
		}
	}
}

func TestAClusterIsDiscovered(t *testing.T) {
	address := serve(t, memstore.New())
	for i, url := range []string{"esdb+discover://" + address, "esdb://" + address + "," + address} {
		s := open(t, url+parameters, esdb.Options{})
		if appended := mustAppend(t, s, eventstore.Any(), records(i, 1)); appended.Last != eventstore.Revision(i) {
			t.Errorf("%s: revision %d, want %d", url, appended.Last, i)
		}
	}
}

func TestAConnectionThatIsEncrypted(t *testing.T) {
	likeIt := httptest.NewTLSServer(nil) // for its certificate
	defer likeIt.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: likeIt.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := memstore.New()
	defer log.Close()
	server := esdbserver.New(
		tls.NewListener(listener, &tls.Config{Certificates: likeIt.TLS.Certificates, NextProtos: []string{"h2"}}),
		log, esdbserver.Options{Writable: true},
	)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	s := open(t, "esdb://user:secret@"+server.Address()+"?tls=true&tlsCaFile="+authority, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	if _, err := esdb.Open(patient(t), "esdb://"+server.Address()+"?tls=true", esdb.Options{}); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("open without knowing who signed the certificate: %v, want that the store is unavailable", err)
	}
}

func TestAServerThatRefusesToWrite(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := memstore.New()
	defer log.Close()
	if _, err := log.Append(t.Context(), "daybook-log", eventstore.NoStream(), []eventstore.Record{{ID: eventstore.ID{1}, Type: "LogBegun"}}); err != nil {
		t.Fatal(err)
	}
	server := esdbserver.New(listener, log, esdbserver.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	s := open(t, "esdb://"+server.Address()+parameters, esdb.Options{})
	for _, n := range []int{1, 900} {
		_, err := s.Append(patient(t), "stream", eventstore.Any(), records(0, n))
		if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "for reading") {
			t.Errorf("append: %v, want that access is denied", err)
		}
	}
}

func TestAppendsThatTheServerWouldNotTake(t *testing.T) {
	s := open(t, "esdb://"+serve(t, memstore.New())+parameters, esdb.Options{})
	if got := s.Traits().MaxAppendBytes; got != 1<<20-1<<16 {
		t.Errorf("at most %d bytes", got)
	}
	short := records(0, 6000) // whose types are twice as long to the server as to the port
	for i := range short {
		short[i].Type = strings.Repeat("T", 128)
		short[i].Data, short[i].Metadata = nil, nil
	}
	standIn := records(0, 1)
	standIn[0].ID = eventstore.ID{6: 0x81, 8: 0x80}
	for name, test := range map[string]struct {
		records []eventstore.Record
		want    error
	}{
		"too large":           {[]eventstore.Record{{Type: "T", Data: make([]byte, 1<<20)}}, eventstore.ErrTooLarge},
		"too many types":      {short, eventstore.ErrTooLarge},
		"an id that is taken": {standIn, eventstore.ErrInvalid},
	} {
		if _, err := s.Append(patient(t), "stream", eventstore.Any(), test.records); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if read := all(t, s.ReadAll(patient(t), eventstore.Start)); len(read) != 0 {
		t.Errorf("%d records were written", len(read))
	}
}

// crowded is a log that others write to as well: EventStoreDB, for one.
type crowded struct{ *memstore.Store }

func (s crowded) mix(inner iter.Seq2[eventstore.Recorded, error]) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for r, err := range inner {
			foreign := r
			switch r.Revision % 3 {
			case 0:
				foreign.Stream, foreign.Type = "$stats-0.0.0.0:2113", "$statsCollected"
			case 1:
				foreign.Stream = "somebody's/own" // with a type like ours
			case 2:
				foreign.Type = "$>"
			}
			commit, item := r.Position.Parts()
			foreign.Position = eventstore.NewPosition(commit, item+1000)
			if !yield(r, err) || !yield(foreign, err) {
				return
			}
		}
	}
}

func (s crowded) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return s.mix(s.Store.ReadAll(ctx, after))
}

func (s crowded) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return s.mix(s.Store.ReadAllBackwards(ctx, before))
}

func (s crowded) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return s.mix(s.Store.Subscribe(ctx, after))
}

func TestWhatIsNotDaybooksIsPassedOver(t *testing.T) {
	log := crowded{memstore.New()}
	s := open(t, "esdb://"+serve(t, log)+parameters, esdb.Options{})
	for i := range 9 {
		mustAppend(t, s, eventstore.Any(), records(i, 1))
	}
	checkRevisions(t, all(t, s.ReadAll(patient(t), eventstore.Start)), 9)
	if got := all(t, s.ReadAllBackwards(patient(t), eventstore.End)); len(got) != 9 {
		t.Errorf("backwards %d records, want 9", len(got))
	}
	var read []eventstore.Recorded
	for r, err := range s.Subscribe(patient(t), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		if read = append(read, r); len(read) == 9 {
			break
		}
	}
	checkRevisions(t, read, 9)
}

// truncated is a log of which a stream has lost its beginning.
type truncated struct {
	*memstore.Store

	stream string
}

func (l truncated) ReadStream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[eventstore.Recorded, error] {
	if stream == l.stream {
		from = max(from, 2)
	}
	return l.Store.ReadStream(ctx, stream, from)
}

func TestATruncatedIdentityIsCorrupt(t *testing.T) {
	log := memstore.New()
	open(t, "esdb://"+serve(t, log)+parameters, esdb.Options{})
	_, err := esdb.Open(patient(t), "esdb://"+serve(t, truncated{log, "daybook-log"})+parameters, esdb.Options{})
	if !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("open: %v, want that it is corrupt", err)
	}
}

func TestATruncatedStreamIsCorrupt(t *testing.T) {
	s := open(t, "esdb://"+serve(t, truncated{memstore.New(), "stream"})+parameters, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 5))
	for _, err := range s.ReadStream(patient(t), "stream", 0) {
		if !errors.Is(err, eventstore.ErrCorrupt) {
			t.Errorf("read: %v, want that it is corrupt", err)
		}
	}
}

// strange is a server that is not as it should be.
type strange struct {
	streams.UnimplementedStreamsServer
	serverfeatures.UnimplementedServerFeaturesServer

	version string
	append  func(streams.Streams_AppendServer) error
	read    func(*streams.ReadReq, streams.Streams_ReadServer) error
	// asks leaves it to read to say which log it is.
	asks bool
	// leader tells who leads the cluster that it belongs to, if it does.
	leader func() (host string, port uint32)
}

func (s strange) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	return &serverfeatures.SupportedMethods{EventStoreServerVersion: s.version}, nil
}

func (s strange) Append(call streams.Streams_AppendServer) error { return s.append(call) }

func (s strange) Read(request *streams.ReadReq, call streams.Streams_ReadServer) error {
	name := request.GetOptions().GetStream().GetStreamIdentifier().GetStreamName()
	if s.asks || string(name) != "daybook-log" {
		return s.read(request, call)
	}
	return call.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{MostSignificantBits: 1}}},
			StreamIdentifier: &shared.StreamIdentifier{StreamName: name},
			Metadata:         map[string]string{"type": "LogBegun", "content-type": "application/json", "created": "0"},
		},
	}}})
}

// member is a node's part in what [gossip.GossipServer] tells, in a type of its own for the sake of its method's name.
type member struct {
	gossip.UnimplementedGossipServer

	leader func() (host string, port uint32)
}

func (m member) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	host, port := m.leader()
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		State: gossip.MemberInfo_Leader, IsAlive: true, HttpEndPoint: &gossip.EndPoint{Address: host, Port: port},
	}}}, nil
}

func (s strange) serve(t *testing.T) (url string) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	streams.RegisterStreamsServer(server, s)
	serverfeatures.RegisterServerFeaturesServer(server, s)
	if s.leader != nil {
		gossip.RegisterGossipServer(server, member{leader: s.leader})
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return "esdb://" + listener.Addr().String() + parameters
}

func TestServersThatAreTooOld(t *testing.T) {
	for _, version := range []string{"20.10.0", "22.6.1"} {
		_, err := esdb.Open(patient(t), strange{version: version}.serve(t), esdb.Options{})
		if err == nil || !strings.Contains(err.Error(), "want 22.10 or later") {
			t.Errorf("%s: %v, want that it is too old", version, err)
		}
	}
}

// TestAppendsFollowTheLeader: the server says who leads the cluster now, and there the append is written.
func TestAppendsFollowTheLeader(t *testing.T) {
	leader := serve(t, memstore.New())
	host, port, err := net.SplitHostPort(leader)
	if err != nil {
		t.Fatal(err)
	}
	led := false
	notLeader := func(setTrailer func(metadata.MD), asked context.Context) error {
		values := metadata.ValueFromIncomingContext(asked, "requires-leader")
		led = len(values) == 1 && values[0] == "true"
		setTrailer(metadata.Pairs("exception", "not-leader", "leader-endpoint-host", host, "leader-endpoint-port", port))
		return status.Error(codes.NotFound, "Leader info available")
	}
	follower := strange{
		version: "23.10.0", asks: true,
		append: func(call streams.Streams_AppendServer) error { return notLeader(call.SetTrailer, call.Context()) },
		read: func(_ *streams.ReadReq, call streams.Streams_ReadServer) error {
			return notLeader(call.SetTrailer, call.Context())
		},
	}
	s := open(t, follower.serve(t), esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	checkRevisions(t, all(t, open(t, "esdb://"+leader+parameters, esdb.Options{}).ReadAll(patient(t), eventstore.Start)), 1)
	if !led {
		t.Error("the follower was not told that the leader is asked for")
	}
	other := open(t, follower.serve(t), esdb.Options{})
	checkRevisions(t, all(t, other.ReadStream(patient(t), "stream", 0)), 1)
}

func TestWhatTheServerAnswersToAnAppend(t *testing.T) {
	received := func(call streams.Streams_AppendServer) {
		for {
			if _, err := call.Recv(); err != nil {
				return
			}
		}
	}
	for name, test := range map[string]struct {
		code     codes.Code
		message  string
		trailers []string
		want     error
		sent     int // how often
	}{
		"timed out":          {codes.Aborted, "Operation timed out", nil, eventstore.ErrOutcomeUnknown, 3},
		"broken off":         {codes.Unavailable, "connection reset by peer", nil, eventstore.ErrOutcomeUnknown, 3},
		"something":          {codes.Unknown, "Unexpected OperationResult", nil, eventstore.ErrOutcomeUnknown, 3},
		"too late":           {codes.DeadlineExceeded, "", nil, eventstore.ErrOutcomeUnknown, 3},
		"denied":             {codes.PermissionDenied, "Access Denied", nil, eventstore.ErrUnavailable, 1},
		"who are you":        {codes.Unauthenticated, "", nil, eventstore.ErrUnavailable, 1},
		"too large":          {codes.InvalidArgument, "Maximum Append Size of 9 Exceeded.", nil, eventstore.ErrTooLarge, 1},
		"an event too large": {codes.InvalidArgument, "Event with Id: 1, Size: 9, exceeds Maximum Append Event Size of 8.", nil, eventstore.ErrTooLarge, 1},
		"message too large":  {codes.ResourceExhausted, "received message larger than max", nil, eventstore.ErrTooLarge, 1},
		"not valid":          {codes.InvalidArgument, "", nil, eventstore.ErrInvalid, 1},
		"the stream is gone": {codes.FailedPrecondition, "", []string{"exception", "stream-deleted", "stream-name", "stream"}, eventstore.ErrCorrupt, 1},
	} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			s := open(t, strange{version: "23.10.0", append: func(call streams.Streams_AppendServer) error {
				sent++
				received(call)
				call.SetTrailer(metadata.Pairs(test.trailers...))
				return status.Error(test.code, test.message)
			}}.serve(t), esdb.Options{Attempts: 3})
			_, err := s.Append(patient(t), "stream", eventstore.NoStream(), records(0, 2))
			if !errors.Is(err, test.want) || sent != test.sent {
				t.Errorf("append: %v after %d attempts, want %v after %d", err, sent, test.want, test.sent)
			}
		})
	}
}

// TestAnAppendThatIsRefusedBeforeAllOfItIsSent surfaces in the client as the end of a file, without the reason.
func TestAnAppendThatIsRefusedBeforeAllOfItIsSent(t *testing.T) {
	s := open(t, strange{version: "23.10.0", append: func(call streams.Streams_AppendServer) error {
		_, _ = call.Recv()
		return status.Error(codes.InvalidArgument, "Maximum Append Size of 9 Exceeded.")
	}}.serve(t)+"&maxAppendSize="+strconv.Itoa(64<<20), esdb.Options{Attempts: 2})
	big := records(0, 200)
	for i := range big {
		big[i].Data = bytes.Repeat([]byte("x"), 256<<10)
	}
	_, err := s.Append(patient(t), "stream", eventstore.NoStream(), big)
	if errors.Is(err, eventstore.ErrOutcomeUnknown) || !errors.Is(err, eventstore.ErrUnavailable) && !errors.Is(err, eventstore.ErrTooLarge) {
		t.Errorf("append: %v, want that nothing was written", err)
	}
}

func TestMessagesThatTheClientDoesNotKnow(t *testing.T) {
	s := open(t, strange{version: "23.10.0", read: func(_ *streams.ReadReq, call streams.Streams_ReadServer) error {
		return call.Send(&streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: 7}})
	}}.serve(t), esdb.Options{})
	for _, err := range s.ReadAll(patient(t), eventstore.Start) {
		if !errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), "understand") {
			t.Errorf("read: %v, want that the client does not understand", err)
		}
	}
}

// TestReadingsEndAlthoughTheServerFollowsTheLog: EventStoreDB reads on while there is more, in a log that grows.
func TestReadingsEndAlthoughTheServerFollowsTheLog(t *testing.T) {
	const last = 4
	s := open(t, strange{version: "23.10.0", read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
		first, count := uint64(0), request.GetOptions().GetCount()
		if request.GetOptions().GetReadDirection() == streams.ReadReq_Options_Backwards {
			first, count = last, 1
		}
		for i := first; i < first+count && call.Context().Err() == nil; i++ {
			if err := call.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
				Event: &streams.ReadResp_ReadEvent_RecordedEvent{
					Id:               &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{MostSignificantBits: 1}}},
					StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("stream")},
					StreamRevision:   i, CommitPosition: 100 + i, PreparePosition: 100,
					Metadata: map[string]string{"type": "Happened", "content-type": "application/json", "created": "0"},
				},
			}}}); err != nil {
				return err
			}
		}
		return nil
	}}.serve(t), esdb.Options{})
	checkRevisions(t, all(t, s.ReadStream(patient(t), "stream", 0)), last+1)
	checkRevisions(t, all(t, s.ReadAll(patient(t), eventstore.Start)), last+1)
}

// TestTheLeaderOfAClusterChanges: a node that leads no more says so, and its client is not used again. The cluster knows who
// leads it now.
func TestTheLeaderOfAClusterChanges(t *testing.T) {
	address := serve(t, memstore.New())
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	var own atomic.Pointer[net.TCPAddr] // of the one that leads at first
	var fallen atomic.Bool
	old := strange{
		version: "23.10.0",
		leader: func() (string, uint32) {
			if fallen.Load() {
				return host, uint32(port)
			}
			return own.Load().IP.String(), uint32(own.Load().Port)
		},
		append: func(call streams.Streams_AppendServer) error {
			fallen.Store(true)
			call.SetTrailer(metadata.Pairs("exception", "not-leader", "leader-endpoint-host", host, "leader-endpoint-port", text))
			return status.Error(codes.NotFound, "Leader info available")
		},
	}
	url := old.serve(t)
	seed := strings.TrimSuffix(strings.TrimPrefix(url, "esdb://"), parameters)
	resolved, err := net.ResolveTCPAddr("tcp", seed)
	if err != nil {
		t.Fatal(err)
	}
	own.Store(resolved)
	registry := prometheus.NewRegistry()
	s := open(t, "esdb+discover://"+seed+parameters, esdb.Options{Registerer: registry})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	checkRevisions(t, all(t, s.ReadStream(patient(t), "stream", 0)), 1)
	if n := counted(t, registry, "daybook_esdb_connections_total"); n != 2 {
		t.Errorf("%v connections, want one to each leader", n)
	}
}

func counted(t *testing.T, registry *prometheus.Registry, name string) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			n = family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}

// TestALeaderThatCannotBeReached is run in a process of its own, in which the client may leave connections open.
func TestALeaderThatCannotBeReached(t *testing.T) {
	if os.Getenv(unreachableLeader) != "" {
		testALeaderThatCannotBeReached(t)
		return
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	program.Env = append(os.Environ(), unreachableLeader+"=1")
	if out, err := program.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// testALeaderThatCannotBeReached: the client ends when it reaches neither the leader that it was told of nor anybody else,
// and is made anew.
func testALeaderThatCannotBeReached(t *testing.T) {
	t.Helper()
	following := true
	server := strange{version: "23.10.0", append: func(call streams.Streams_AppendServer) error {
		if following {
			call.SetTrailer(metadata.Pairs("exception", "not-leader", "leader-endpoint-host", "127.0.0.1", "leader-endpoint-port", "1"))
			return status.Error(codes.NotFound, "Leader info available")
		}
		for {
			if _, err := call.Recv(); err != nil {
				return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
					CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: 0},
					PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
						CommitPosition: 1, PreparePosition: 1,
					}},
				}}})
			}
		}
	}}
	p := proxytest.New(t, strings.TrimSuffix(strings.TrimPrefix(server.serve(t), "esdb://"), parameters))
	s := open(t, "esdb://"+p.Address()+parameters, esdb.Options{Attempts: 2})
	unavailable := func() {
		t.Helper()
		_, err := s.Append(patient(t), "stream", eventstore.NoStream(), records(0, 1))
		if err == nil {
			t.Fatal("the append is answered")
		}
	}
	unavailable()
	p.SetAway(true)
	unavailable()
	p.SetAway(false)
	following = false
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
}
