package stream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// DialOptions say how to reach NATS servers outside this process. Files are read again at each connection, so that they can
// be replaced while the process runs.
type DialOptions struct {
	// Servers is the URL of a server, such as nats://host:4222, or several of one cluster with commas between.
	Servers string
	// Credentials is the file with a user's JWT and seed, as nsc writes it; empty is none. A user and password, or a token,
	// can stand in the URL.
	Credentials string
	// CA is the file with certificates (PEM) that the server's is signed by; empty is those of the machine. Cert and Key are the
	// files of the client's own, both or neither.
	CA, Cert, Key string
	// Logger is told when the connection is lost and when it is there; nil discards that.
	Logger *slog.Logger
}

const (
	dialTimeout = 3 * time.Second
	// redialWait is the pause before a server is tried again.
	redialWait = 500 * time.Millisecond
	// pingInterval times two is how long a connection that brings nothing is taken for one that is there.
	pingInterval = 10 * time.Second
	// writeTimeout is how long a connection may take nothing before it is taken for broken. Whoever sends waits that long.
	writeTimeout = 3 * time.Second
)

// Dial connects, and connects again for ever whenever the connection is lost. It fails only where options are wrong: where no
// server answers it gives a connection that is not connected yet. What is sent meanwhile fails instead of being kept.
func Dial(o DialOptions) (*nats.Conn, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	options := append((&linkLog{log: o.Logger}).handlers(),
		nats.Name("daybook"), nats.Timeout(dialTimeout), nats.FlusherTimeout(writeTimeout),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(2),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(redialWait), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1),
	)
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		options = append(options, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		options = append(options, nats.ClientCert(o.Cert, o.Key))
	}
	conn, err := nats.Connect(o.Servers, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return conn, nil
}

var (
	errServers     = errors.New("a NATS server is given as nats://host:port, or with tls, ws or wss instead of nats")
	errNoKey       = errors.New("a certificate for NATS needs its key, and a key its certificate")
	errCA          = errors.New("it holds no certificate in PEM")
	errCredentials = errors.New("it does not hold a user's JWT and seed")
)

// Check finds mistakes that trying again does not cure, without connecting. Its error never holds a password.
func (o *DialOptions) Check() error {
	for server := range strings.SplitSeq(o.Servers, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		if err != nil {
			return errServers // the URL stays out of the error, since it may hold a password
		}
		if u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return fmt.Errorf("%q: %w", u.Redacted(), errServers)
		}
	}
	return errors.Join(o.checkCredentials(), o.checkTLS())
}

func (o *DialOptions) checkCredentials() error {
	if o.Credentials == "" {
		return nil
	}
	content, err := os.ReadFile(o.Credentials)
	if err != nil {
		return fmt.Errorf("credentials for NATS: %w", err)
	}
	_, noJWT := nkeys.ParseDecoratedJWT(content)
	seed, noSeed := nkeys.ParseDecoratedUserNKey(content)
	if noJWT != nil || noSeed != nil {
		return fmt.Errorf("credentials for NATS %s: %w", o.Credentials, errCredentials)
	}
	seed.Wipe()
	return nil
}

func (o *DialOptions) checkTLS() error {
	if (o.Cert == "") != (o.Key == "") {
		return errNoKey
	}
	if o.Cert != "" {
		if _, err := tls.LoadX509KeyPair(o.Cert, o.Key); err != nil {
			return fmt.Errorf("certificate for NATS: %w", err)
		}
	}
	if o.CA == "" {
		return nil
	}
	content, err := os.ReadFile(o.CA)
	if err != nil {
		return fmt.Errorf("certificates of NATS: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return fmt.Errorf("certificates of NATS %s: %w", o.CA, errCA)
	}
	return nil
}

// linkLog logs what becomes of a connection: each change, and failed attempts once in a while.
type linkLog struct {
	log *slog.Logger

	mu sync.Mutex
	// silent is until when failed attempts are not logged.
	silent time.Time
}

// remindAfter is how often it is logged that there is still no connection.
const remindAfter = time.Minute

func (l *linkLog) handlers() []nats.Option {
	return []nats.Option{
		nats.ConnectHandler(l.connected),
		nats.ReconnectHandler(l.connected),
		nats.DisconnectErrHandler(func(conn *nats.Conn, err error) {
			if !conn.IsClosed() {
				l.log.Warn("lost NATS, trying to connect until it is back", "error", err)
			}
		}),
		nats.ReconnectErrHandler(l.notConnected),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			attributes := []any{"error", err}
			if s != nil {
				attributes = append(attributes, "subject", s.Subject)
			}
			l.log.Warn("NATS reports an error", attributes...)
		}),
	}
}

func (l *linkLog) connected(conn *nats.Conn) {
	l.mu.Lock()
	l.silent = time.Time{}
	l.mu.Unlock()
	l.log.Info("connected to NATS", "server", conn.ConnectedUrlRedacted(), "version", conn.ConnectedServerVersion())
	if most := conn.MaxPayload(); most < MaxEventBytes {
		l.log.Warn("NATS takes no message larger than this; an event that is larger holds distribution up: raise max_payload there",
			"bytes", most, "recommended", MaxEventBytes)
	}
}

func (l *linkLog) notConnected(_ *nats.Conn, err error) {
	now := time.Now()
	l.mu.Lock()
	silent := now.Before(l.silent)
	if !silent {
		l.silent = now.Add(remindAfter)
	}
	l.mu.Unlock()
	if !silent {
		l.log.Warn("cannot connect to NATS, trying until it works", "error", err)
	}
}
