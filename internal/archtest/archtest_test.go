// Package archtest holds the house to its plan: which room may import which. The table is that of
// docs/architecture.md; a room that is not in it may not exist.
package archtest_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/daybook-ledger/daybook/"

// Names in a room's list: a folder of this module, "folder/..." with everything below it, or another module's path with
// everything below it. The standard library is always allowed.
const (
	echo       = "github.com/labstack/echo/v4"
	sqlx       = "github.com/jmoiron/sqlx"
	watermill  = "github.com/ThreeDotsLabs/watermill"
	sqlite     = "modernc.org/sqlite"
	uuid       = "github.com/google/uuid"
	prometheus = "github.com/prometheus/client_golang"
	json       = "github.com/go-json-experiment/json"
	pgx        = "github.com/jackc/pgx/v5"
	goose      = "github.com/pressly/goose/v3"
	nats       = "github.com/nats-io"
	yaml       = "gopkg.in/yaml.v3"
	kong       = "github.com/alecthomas/kong"
	grpc       = "google.golang.org/grpc"
	esdbClient = "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	esdbProtos = "github.com/EventStore/EventStore-Client-Go/v4/protos"
	xsys       = "golang.org/x/sys"
	jsonschema = "github.com/santhosh-tekuri/jsonschema/v6"
)

// rooms says what each folder may import. The longest entry that is a folder's own path or stands above it holds.
var rooms = map[string][]string{
	"domain/money":   {},
	"domain/address": {},
	"domain/ledger":  {"domain/money", "domain/address"},

	"eventstore":           {},
	"eventstore/memstore":  {"eventstore"},
	"eventstore/storetest": {"eventstore"},
	"eventstore/rowlog":    {"eventstore", prometheus},
	"eventstore/sqlstore":  {"eventstore", "eventstore/rowlog", "internal/walkeeper", sqlx, sqlite, prometheus},
	"eventstore/pgstore":   {"eventstore", "eventstore/rowlog", "internal/postgres", pgx, prometheus},
	"eventstore/relay":     {"eventstore", "internal/stream/...", "internal/ledgername", "internal/run", watermill, prometheus},

	"eventstore/esdb":       {"eventstore", esdbClient, esdbProtos, grpc, uuid, prometheus},
	"eventstore/esdbserver": {"eventstore", esdbProtos, grpc, uuid, prometheus},

	"commands":        {"domain/...", "eventstore", "commands/engine", "internal/...", echo, json, prometheus},
	"commands/linear": {},
	"commands/engine": {"eventstore", "internal/envelope", "internal/datadir", "internal/runs", uuid, prometheus},
	"projections":     {"domain/...", "eventstore", "projections/...", "internal/...", sqlx, sqlite, pgx, goose, watermill, prometheus},
	"queries":         {"domain/money", "domain/address", "domain/access", "eventstore", "internal/...", sqlx, sqlite, echo, json, prometheus},

	"internal/archtest":   {},
	"internal/audit":      {"domain/...", "eventstore", "internal/envelope", "internal/ledgername"},
	"internal/client":     {"internal/wire", json},
	"internal/cluster":    {"internal/run", nats, uuid, prometheus},
	"internal/config":     {kong, yaml},
	"internal/datadir":    {},
	"internal/effective":  {},
	"internal/envelope":   {},
	"internal/httpx":      {"internal/run", echo, json, prometheus, uuid},
	"internal/lag":        {prometheus},
	"internal/loadgen":    {},
	"internal/ledgername": {},
	"internal/journal":    {"domain/money", "domain/address"},
	"internal/openapi":    {echo, yaml},
	"internal/nodetest":   {},
	"internal/pgtest":     {pgx},
	"internal/proxytest":  {xsys},
	"internal/progress":   {"internal/lag", "internal/run", "internal/watermark", nats},
	"internal/postgres":   {sqlx, pgx, xsys},
	"internal/render":     {"domain/ledger", "domain/money", "internal/wire"},
	"internal/run":        {},
	"internal/runs":       {},
	"internal/stream":     {"internal/stream/...", nats, watermill, prometheus},
	"internal/telemetry":  {echo, prometheus},
	"internal/trust":      {prometheus},
	"internal/walkeeper":  {sqlx, sqlite},
	"internal/watermark":  {},
	"internal/wire":       {"domain/money", json},

	"internal/cluster/forward":     {"internal/cluster", "internal/httpx", "internal/run", echo, nats, prometheus},
	"internal/cluster/snapshots":   {"eventstore", "internal/run", "internal/runs", nats, prometheus},
	"internal/openapi/openapitest": {"internal/openapi", echo, jsonschema},

	"cmd": {"..."},
}

func TestEveryRoomImportsOnlyWhatItMay(t *testing.T) {
	root := moduleRoot(t)
	seen := map[string]bool{}
	for folder, imports := range importsByFolder(t, root) {
		room, ok := roomOf(folder)
		if !ok {
			t.Errorf("%s is in no room of the table", folder)
			continue
		}
		seen[room] = true
		for _, path := range imports {
			if !allowed(folder, path, rooms[room]) {
				t.Errorf("%s may not import %s", folder, path)
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("the table has a room %s that does not exist", room)
		}
	}
}

func TestTopLevelIsTheHouse(t *testing.T) {
	house := []string{"cmd", "commands", "docs", "domain", "eventstore", "internal", "projections", "queries"}
	// Folders that are made by running and building, which git ignores.
	made := []string{"bin", "data"}
	entries, err := os.ReadDir(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() && !strings.HasPrefix(name, ".") && !slices.Contains(house, name) && !slices.Contains(made, name) {
			t.Errorf("top-level folder %s is not part of the house", name)
		}
	}
}

func TestTheRulesCanFail(t *testing.T) {
	for _, test := range []struct {
		folder, path string
		want         bool
	}{
		{"domain/ledger", module + "domain/money", true},
		{"domain/ledger", module + "eventstore", false},
		{"domain/ledger", "context", false},
		{"domain/money", "strconv", true},
		{"queries", module + "commands", false},
		{"queries", module + "domain/ledger", false},
		{"queries", module + "eventstore/sqlstore", false},
		{"projections/entries", module + "projections", true},
		{"projections/entries", module + "commands/engine", false},
		{"eventstore", sqlite, false},
		{"eventstore/sqlstore", sqlite + "/lib", true},
		{"cmd/daybook", module + "commands", true},
	} {
		room, _ := roomOf(test.folder)
		if got := allowed(test.folder, test.path, rooms[room]); got != test.want {
			t.Errorf("%s imports %s: allowed = %t, want %t", test.folder, test.path, got, test.want)
		}
	}
}

// banned are packages of the standard library that a room keeps out although the library is allowed in general.
func banned(folder, path string) bool {
	if !strings.HasPrefix(folder, "domain/") {
		return false
	}
	return slices.Contains([]string{"context", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "os", "net", "net/http"}, path)
}

func allowed(folder, path string, list []string) bool {
	local, isLocal := strings.CutPrefix(path, module)
	if !isLocal && !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
		return !banned(folder, path)
	}
	if !isLocal {
		local = path
	}
	if local == folder { // an example file of a room imports the room
		return true
	}
	for _, entry := range list {
		above, below := strings.CutSuffix(entry, "...")
		above = strings.TrimSuffix(above, "/")
		switch {
		case local == entry, below && above == "", below && local == above:
			return true
		case (below || strings.Contains(entry, ".")) && strings.HasPrefix(local, above+"/"):
			return true
		}
	}
	return false
}

func roomOf(folder string) (string, bool) {
	for room := folder; room != "."; room = filepath.Dir(room) {
		if _, ok := rooms[room]; ok {
			return room, true
		}
	}
	return "", false
}

// importsByFolder reads the import lines of all files that are built, tests aside.
func importsByFolder(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			if _, ok := found[folder]; !ok {
				found[folder] = nil
			}
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[folder] = append(found[folder], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test")
		}
		dir = filepath.Dir(dir)
	}
}
