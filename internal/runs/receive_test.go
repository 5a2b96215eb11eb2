package runs_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/internal/runs"
)

// TestARunIsReceivedByAnotherDirectory copies a run, which is then found there, and one of another name stays as it is.
func TestARunIsReceivedByAnotherDirectory(t *testing.T) {
	there, here := runs.NewDir(filepath.Join(t.TempDir(), "there")), runs.NewDir(filepath.Join(t.TempDir(), "here"))
	id := written(t, there, "a.run", 7)
	other := written(t, here, "a.run", 8) // by the same name
	if here.Has(id) || !here.Has(other) {
		t.Fatal("a run is taken for another one of its name")
	}
	if err := here.Receive(id, copied(t, there, id)); err != nil {
		t.Fatal(err)
	}
	if !here.Has(id) || here.Has(other) {
		t.Error("it is not there")
	}
	run, err := here.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if places, err := run.Find(nil, 7); err != nil || !slices.Equal(places, []uint64{1}) {
		t.Errorf("found %v, %v", places, err)
	}
}

// TestWhatIsNotTheRunIsNotReceived tries to put something else in the place of a run.
func TestWhatIsNotTheRunIsNotReceived(t *testing.T) {
	there, here := runs.NewDir(filepath.Join(t.TempDir(), "there")), runs.NewDir(filepath.Join(t.TempDir(), "here"))
	id, own := written(t, there, "a.run", 7), written(t, here, "a.run", 8)
	stop := errors.New("stop")
	for name, test := range map[string]struct {
		id    runs.ID
		write func(io.Writer) error
		want  error
	}{
		"nothing":           {id, func(io.Writer) error { return nil }, runs.ErrDamaged},
		"half":              {id, func(to io.Writer) error { _, err := to.Write(make([]byte, 100)); return err }, runs.ErrDamaged},
		"another run":       {runs.ID{Name: "a.run", Sum: id.Sum + 1}, copied(t, there, id), runs.ErrDamaged},
		"broken off":        {id, func(io.Writer) error { return stop }, stop},
		"outside":           {runs.ID{Name: "../b.run", Sum: id.Sum}, copied(t, there, id), runs.ErrDamaged},
		"the directory":     {runs.ID{Name: ".", Sum: id.Sum}, copied(t, there, id), runs.ErrDamaged},
		"no name":           {runs.ID{Sum: id.Sum}, copied(t, there, id), runs.ErrDamaged},
		"an unfinished one": {runs.ID{Name: "b.tmp", Sum: id.Sum}, copied(t, there, id), runs.ErrDamaged},
	} {
		if err := here.Receive(test.id, test.write); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !here.Has(own) {
		t.Error("what was there is not there any more")
	}
	for path, want := range map[string]int{here.Path(): 1, filepath.Dir(here.Path()): 1} {
		if entries, err := os.ReadDir(path); err != nil || len(entries) != want {
			t.Errorf("%s has %v, %v", path, entries, err)
		}
	}
}

func written(t *testing.T, d *runs.Dir, name string, digest uint64) runs.ID {
	t.Helper()
	run, err := d.Write(name, []runs.Entry{{Digest: digest, Place: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	return run.ID()
}

func copied(t *testing.T, from *runs.Dir, id runs.ID) func(io.Writer) error {
	return func(to io.Writer) error {
		source, err := from.Source(id)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		_, err = io.Copy(to, source)
		return err
	}
}
