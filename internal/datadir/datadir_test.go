package datadir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/internal/datadir"
)

func TestNewDirectoryIsMadeAndOpensAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "books", "2026")
	for range 2 { // the second start finds a directory whose store was never made: it goes on making it
		open(t, path, func(*datadir.Dir) {})
	}
	open(t, path, func(d *datadir.Dir) {
		write(t, d.Events())
		if err := d.MarkReady(""); err != nil {
			t.Fatal(err)
		}
	})
	open(t, path, func(*datadir.Dir) {})
	if _, err := datadir.Inspect(path); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"a folder of something else": {
			func(t *testing.T, path string) { t.Helper(); write(t, filepath.Join(path, "thesis.doc")) },
			`holds "thesis.doc"`,
		},
		"a directory that lost its events": {
			func(t *testing.T, path string) {
				t.Helper()
				open(t, path, func(d *datadir.Dir) {
					if err := d.MarkReady(""); err != nil {
						t.Fatal(err)
					}
				})
			},
			"has lost its event store",
		},
		"a layout of the future": {
			func(t *testing.T, path string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(path, "daybook.json"), []byte(`{"format":99}`), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"layout version 99",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			test.prepare(t, path)
			before := listing(t, path)
			if _, err := datadir.Open(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if after := listing(t, path); after != before {
				t.Fatalf("the refused directory was changed:\n%s\n%s", before, after)
			}
		})
	}
}

func TestADirectoryBelongsToOneStore(t *testing.T) {
	const refused = "refused"
	for name, test := range map[string]struct {
		marked            bool
		store             string // that it was marked with
		file              bool   // whether there is an event store in it
		inside, elsewhere string // the identity that it gives, or refused
	}{
		"new":                             {},
		"whose first start was cut short": {file: true, elsewhere: refused},
		"with its store inside":           {marked: true, file: true, elsewhere: refused},
		"with its store elsewhere":        {marked: true, store: "one", inside: refused, elsewhere: "one"},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			open(t, path, func(d *datadir.Dir) {
				if test.file {
					write(t, d.Events())
				}
				if test.marked {
					if err := d.MarkReady(test.store); err != nil {
						t.Fatal(err)
					}
				}
			})
			open(t, path, func(d *datadir.Dir) {
				if err := d.StoreInside(); (err != nil) != (test.inside == refused) {
					t.Errorf("inside: %v", err)
				}
				identity, err := d.StoreElsewhere()
				if err != nil {
					identity = refused
				}
				if identity != test.elsewhere {
					t.Errorf("elsewhere: %q, %v, want %q", identity, err, test.elsewhere)
				}
			})
		})
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	path := t.TempDir()
	open(t, path, func(*datadir.Dir) {
		if _, err := datadir.Open(path); err == nil || !strings.Contains(err.Error(), "another daybook runs in") {
			t.Fatalf("error %v", err)
		}
	})
	open(t, path, func(*datadir.Dir) {})
}

func TestInspectMakesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if _, err := datadir.Inspect(path); err == nil || !strings.Contains(err.Error(), "is not a Daybook data directory") {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("it was made: %v", err)
	}
}

func open(t *testing.T, path string, use func(*datadir.Dir)) {
	t.Helper()
	d, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	use(d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listing names the files of a folder but for the lock, which even a refused opening may leave.
func listing(t *testing.T, path string) string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

func TestHomeStaysTheSame(t *testing.T) {
	path, other := t.TempDir(), t.TempDir()
	homes := map[string]bool{}
	ask := func(d *datadir.Dir) {
		home, err := d.Home()
		if err != nil || home == "" {
			t.Fatalf("home %q, %v", home, err)
		}
		homes[home] = true
	}
	open(t, path, ask)
	open(t, path, func(d *datadir.Dir) {
		if err := d.MarkReady("elsewhere"); err != nil {
			t.Fatal(err)
		}
	})
	open(t, path, ask)
	open(t, path, func(d *datadir.Dir) {
		ask(d)
		if identity, err := d.StoreElsewhere(); err != nil || identity != "elsewhere" {
			t.Errorf("the directory belongs to %q, %v", identity, err)
		}
	})
	if len(homes) != 1 {
		t.Errorf("one directory had the homes %v", homes)
	}
	if open(t, other, ask); len(homes) != 2 {
		t.Errorf("two directories had the homes %v", homes)
	}
}
