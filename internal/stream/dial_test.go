package stream_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// dialOutside connects as the program does to servers outside.
func dialOutside(t testing.TB, o stream.DialOptions) *nats.Conn {
	t.Helper()
	conn, err := stream.Dial(o)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// becomes waits until a connection has a status.
func becomes(t testing.TB, conn *nats.Conn, want nats.Status) {
	t.Helper()
	changes := conn.StatusChanged(want)
	if conn.Status() == want {
		return
	}
	select {
	case <-changes:
	case <-time.After(patience):
		t.Fatalf("the connection is %v, want %v: %v", conn.Status(), want, conn.LastError())
	}
}

func TestConnectsWhenAServerIsThere(t *testing.T) {
	s := natstest.New(t, nil)
	s.Stop()
	log := new(logBuffer)
	conn := dialOutside(t, stream.DialOptions{Servers: natstest.URLs(s), Logger: log.logger()})
	if conn.IsConnected() {
		t.Fatal("it is connected to a server that does not run")
	}
	for range 3 {
		s.Start()
		becomes(t, conn, nats.CONNECTED)
		if err := conn.Flush(); err != nil {
			t.Fatal(err)
		}
		s.Stop()
		becomes(t, conn, nats.RECONNECTING)
		if err := conn.Publish("anything", nil); err == nil {
			t.Error("what is sent while there is no server is kept, want an error")
		}
	}
	log.has(t, "cannot connect to NATS", "connected to NATS", "lost NATS")
	if n := strings.Count(log.String(), "cannot connect to NATS"); n > 5 {
		t.Errorf("the log says %d times that there is no connection:\n%s", n, log)
	}
}

func TestASmallLimitOfTheServerIsLogged(t *testing.T) {
	s := natstest.New(t, nil) // 1 MiB by default
	log := new(logBuffer)
	dialOutside(t, stream.DialOptions{Servers: natstest.URLs(s), Logger: log.logger()})
	log.wait(t, "max_payload")
}

func TestWrongOptionsAreRefused(t *testing.T) {
	noise := filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(noise, []byte("neither a certificate nor credentials"), 0o600); err != nil {
		t.Fatal(err)
	}
	const good = "nats://127.0.0.1:4222"
	for name, test := range map[string]struct {
		options stream.DialOptions
		want    string
	}{
		"no scheme":            {stream.DialOptions{Servers: "127.0.0.1:4222"}, "nats://host:port"},
		"another scheme":       {stream.DialOptions{Servers: "http://127.0.0.1:4222"}, "nats://host:port"},
		"no host":              {stream.DialOptions{Servers: good + ",nats://"}, "nats://host:port"},
		"nothing":              {stream.DialOptions{}, "nats://host:port"},
		"no credentials":       {stream.DialOptions{Servers: good, Credentials: noise + "2"}, "no such file"},
		"other credentials":    {stream.DialOptions{Servers: good, Credentials: noise}, "JWT and seed"},
		"no authority":         {stream.DialOptions{Servers: good, CA: noise + "2"}, "no such file"},
		"another authority":    {stream.DialOptions{Servers: good, CA: noise}, "no certificate in PEM"},
		"no key":               {stream.DialOptions{Servers: good, Cert: noise}, "needs its key"},
		"no certificate":       {stream.DialOptions{Servers: good, Key: noise}, "needs its key"},
		"another certificate":  {stream.DialOptions{Servers: good, Cert: noise, Key: noise}, "certificate for NATS"},
		"a password in a URL":  {stream.DialOptions{Servers: "http://me:secret@127.0.0.1"}, "me:xxxxx@"},
		"a URL that is broken": {stream.DialOptions{Servers: "nats://me:secret@%zz"}, "nats://host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stream.Dial(test.options)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("dial: %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	operator, account, user := newKey(t, nkeys.CreateOperator), newKey(t, nkeys.CreateAccount), newKey(t, nkeys.CreateUser)
	claims := jwt.NewAccountClaims(public(t, account))
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(public(t, account), sign(t, claims, operator)); err != nil {
		t.Fatal(err)
	}
	s := natstest.New(t, func(o *server.Options) {
		o.JetStream = false
		o.TrustedKeys = []string{public(t, operator)}
		o.AccountResolver = resolver
	})
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	content, err := jwt.FormatUserConfig(sign(t, jwt.NewUserClaims(public(t, user)), account), seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "daybook.creds")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	becomes(t, dialOutside(t, stream.DialOptions{Servers: natstest.URLs(s), Credentials: file}), nats.CONNECTED)

	log := new(logBuffer)
	dialOutside(t, stream.DialOptions{Servers: natstest.URLs(s), Logger: log.logger()})
	log.wait(t, "Authorization Violation")
}

// TestRefusalsDoNotEndIt is about a user whom somebody makes known to the servers only later.
func TestRefusalsDoNotEndIt(t *testing.T) {
	s := natstest.New(t, func(o *server.Options) { o.CustomClientAuthentication = &reluctant{refusals: 4} })
	becomes(t, dialOutside(t, stream.DialOptions{Servers: natstest.URLs(s)}), nats.CONNECTED)
}

// reluctant refuses clients a number of times.
type reluctant struct {
	mu       sync.Mutex
	refusals int
}

func (r *reluctant) Check(server.ClientAuthentication) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusals--
	return r.refusals < 0
}

// TestFewRightsAreEnough has a user who may do no more than docs/operations.md says, and a stream that was made before.
func TestFewRightsAreEnough(t *testing.T) {
	s := natstest.New(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "owner", Password: "secret"},
			{Username: "daybook", Password: "secret", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{
					"daybook.events.>", "$JS.API.STREAM.INFO.DAYBOOK", "$JS.API.STREAM.MSG.GET.DAYBOOK", "$JS.API.CONSUMER.*.DAYBOOK.>",
					"$JS.API.CONSUMER.MSG.NEXT.DAYBOOK.>",
				}},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
			}},
		}
	})
	as := func(user string) string { return strings.Replace(natstest.URLs(s), "//", "//"+user+":secret@", 1) }
	ensure(t, dialOutside(t, stream.DialOptions{Servers: as("owner")}), stream.Config{})

	log := new(logBuffer)
	conn := dialOutside(t, stream.DialOptions{Servers: as("daybook"), Logger: log.logger()})
	broker := ensure(t, conn, stream.Config{})
	messages := subscribe(t, conn, stream.SubscriberOptions{})
	sent := eventsOf("shop", 0, 10)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)
	same(t, sent, collect(t, messages, len(sent)))
	ends(t, broker, 10, sent[9].Position)
	if err := broker.Note(t.Context(), stream.End{Sequence: 10, Last: &sent[9]}); err != nil {
		t.Error(err)
	}
	purgeStream(t, dialOutside(t, stream.DialOptions{Servers: as("owner")}), 0)
	ends(t, broker, 10, sent[9].Position)
	if strings.Contains(log.String(), "ermissions") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log complains, or tells the password:\n%s", log)
	}
}

func newKey(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	key, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(t *testing.T, key nkeys.KeyPair) string {
	t.Helper()
	name, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func sign(t *testing.T, claims jwt.Claims, by nkeys.KeyPair) string {
	t.Helper()
	token, err := claims.Encode(by)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// logBuffer keeps a log that other goroutines write.
type logBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (b *logBuffer) logger() *slog.Logger {
	b.grown = make(chan struct{}, 1)
	return slog.New(slog.NewTextHandler(b, nil))
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.grown <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// wait returns when the log says something.
func (b *logBuffer) wait(t *testing.T, want string) {
	t.Helper()
	timeout := time.After(patience)
	for !strings.Contains(b.String(), want) {
		select {
		case <-b.grown:
		case <-timeout:
			t.Fatalf("the log does not say %q:\n%s", want, b)
		}
	}
}

func (b *logBuffer) has(t *testing.T, wants ...string) {
	t.Helper()
	for _, want := range wants {
		b.wait(t, want)
	}
}
