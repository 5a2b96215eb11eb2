package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds how long a server may take to start or to end.
const patience = time.Minute

// Server is a temporary server of one test.
type Server struct {
	programs string
	folder   string
	port     int
	durable  bool

	running *process // nil where it is not running
}

// Start makes a server for one test, which may kill it. It syncs what it commits, as one in use does.
func Start(t testing.TB) *Server {
	t.Helper()
	programs, err := findPrograms()
	unlessMissing(t, err)
	s, err := start(programs, true)
	unlessMissing(t, err)
	t.Cleanup(s.stop)
	return s
}

// Database makes an empty database on the server and gives its URL. It is there until the server is stopped, which has to
// run when the test ends.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return makeDatabase(t, s.url())
}

// Kill ends the server and all its processes at once, as a power cut would.
func (s *Server) Kill() {
	if s.running != nil {
		s.running.kill()
		s.running = nil
	}
}

// Restart starts the server again, at the same address, and returns when it takes connections.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

// RestartAsStandby is Restart, but that the server only reads, as one that follows another, until pg_promote makes it a primary.
func (s *Server) RestartAsStandby(t testing.TB) {
	t.Helper()
	signal := filepath.Join(s.data(), "standby.signal")
	err := os.WriteFile(signal, nil, 0o600)
	if err == nil {
		err = giveAway(signal)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Restart(t)
}

func (s *Server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func (s *Server) stop() {
	s.Kill()
	_ = os.RemoveAll(s.folder) // a folder for temporary files, whatever is left in it
}

// start makes a server in a folder of its own and starts it.
func start(programs string, durable bool) (_ *Server, err error) {
	folder, err := os.MkdirTemp("", "daybook-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &Server{programs: programs, folder: folder, durable: durable}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if err := giveAway(folder); err != nil {
		return nil, err
	}
	initdb := s.command("initdb", append([]string{"-D", s.data(), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"}, collation(programs)...)...)
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.run()
}

// collation has databases sort texts as people do and not by their bytes, as servers in use often do: what depends on the order
// and does not say which it wants is noticed. From PostgreSQL 15 on that takes nothing of the machine.
func collation(programs string) []string {
	const first = 15
	if version, err := strconv.Atoi(filepath.Base(filepath.Dir(programs))); err != nil || version < first {
		return nil
	}
	return []string{"--locale-provider=icu", "--icu-locale=en-US"}
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(s.programs, program), args...) //nolint:gosec,noctx // outlives a test
	command.Dir = s.folder
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	asOther(command)
	return command
}

// run starts the server and waits until it takes connections. Another process may take the port that was free a moment
// ago, and the memory of a server that was killed is in use for a moment: it is tried again.
func (s *Server) run() error {
	deadline := time.Now().Add(patience)
	for {
		port := s.port
		if port == 0 {
			var err error
			if port, err = freePort(); err != nil {
				return err
			}
		}
		p, err := launch(s.command("postgres", s.settings(port)...))
		if err == nil {
			s.running, s.port = p, port
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

func (s *Server) settings(port int) []string {
	settings := []string{
		"-D", s.data(), "-p", strconv.Itoa(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "log_line_prefix=", "-c", "autovacuum=off",
	}
	if !s.durable {
		settings = append(settings, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	return settings
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // takes no time
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close() //nolint:forcetypeassert // what was asked for
}

// process is a server that runs.
type process struct {
	command *exec.Cmd
	ended   chan struct{} // closed when it is gone

	mu  sync.Mutex
	log []string // what it said
}

// launch starts a server and waits until it says that it takes connections.
func launch(command *exec.Cmd) (*process, error) {
	p := &process{command: command, ended: make(chan struct{})}
	out, err := command.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("connect to the server's log: %w", err)
	}
	started := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		defer close(p.ended)
		defer keepThread()()
		err := command.Start()
		started <- err
		if err == nil {
			p.read(out, sync.OnceFunc(func() { close(ready) }))
			_ = command.Wait() // it was killed, or its log tells why it ended
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	select {
	case <-ready:
		return p, nil
	case <-p.ended:
		return nil, errors.New("postgres does not start:\n" + p.said())
	case <-time.After(patience):
		p.kill()
		return nil, fmt.Errorf("postgres does not take connections in %s:\n%s", patience, p.said())
	}
}

func (p *process) read(out io.Reader, ready func()) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		p.mu.Lock()
		p.log = append(p.log, lines.Text())
		p.mu.Unlock()
		if strings.Contains(lines.Text(), "database system is ready to accept") { // connections, or read-only ones
			ready()
		}
	}
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

// kill kills the server and then what it started, so that it has no time to end them in order.
func (p *process) kill() {
	children := childrenOf(p.command.Process.Pid)
	_ = p.command.Process.Kill() // it may be gone
	for _, pid := range children {
		if child, err := os.FindProcess(pid); err == nil {
			_ = child.Kill() // likewise
		}
	}
	<-p.ended
}
