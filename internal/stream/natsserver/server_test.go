package natsserver_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWithoutListenNobodyOutsideIsServed(t *testing.T) {
	server, err := natsserver.Start(natsserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	if server.Address() != "" {
		t.Errorf("the address is %q, want none", server.Address())
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Flush(); err != nil {
		t.Errorf("the connection inside the process: %v", err)
	}
}

func TestATokenIsAsked(t *testing.T) {
	server, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	if _, err := nats.Connect("nats://" + server.Address()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connect without the token: %v, want a refusal", err)
	}
	outside, err := nats.Connect("nats://"+server.Address(), nats.Token("secret"))
	if err != nil {
		t.Fatalf("connect with the token: %v", err)
	}
	outside.Close()
	inside, err := server.Connect()
	if err != nil {
		t.Fatalf("connect inside the process: %v", err)
	}
	inside.Close()
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]natsserver.Options{
		"no directory":                {},
		"a file for a directory":      {Dir: file},
		"no port":                     {Dir: t.TempDir(), Listen: "127.0.0.1"},
		"a port that is no number":    {Dir: t.TempDir(), Listen: "127.0.0.1:nats"},
		"all the world, no token":     {Dir: t.TempDir(), Listen: "0.0.0.0:0"},
		"all addresses, no token":     {Dir: t.TempDir(), Listen: ":0"},
		"a port that another one has": {Dir: t.TempDir(), Listen: taken.Addr().String()},
	} {
		if server, err := natsserver.Start(options); err == nil {
			t.Errorf("%s: it starts", name)
			_ = server.Close()
		}
	}
}
