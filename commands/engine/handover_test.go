package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

// smallMemory keeps next to nothing in memory.
func smallMemory(t *testing.T) (engine.Options, *shelf) {
	t.Helper()
	saved := &shelf{dir: t.TempDir()}
	return engine.Options{Snapshots: saved, SnapshotEvery: 4, KeepInMemory: 2}, saved
}

func (s *shelf) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, stream))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestKeysAndNamesOnTheDisk: a random life with restarts and deaths at any moment, in which every key that was used is
// replayed, every name that was taken is taken, and nothing else is.
func TestKeysAndNamesOnTheDisk(t *testing.T) {
	for seed := range uint64(trials(3)) {
		for name, adjust := range map[string]func(engine.Options) engine.Options{
			"digests that differ": func(o engine.Options) engine.Options { return o },
			"digests that meet":   engine.Options.WithWeakDigests,
		} {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				options, saved := smallMemory(t)
				l := &life{bench: newBench(t, adjust(options)), random: rand.New(rand.NewPCG(seed, 1)), saved: saved}
				l.accept(one(open()))
				for range 250 {
					l.step()
				}
				if l.mostFiles < 2 {
					t.Error("hardly anything was handed over")
				}
			})
		}
	}
}

// life is a stream and what must be known of it.
type life struct {
	*bench

	random    *rand.Rand
	saved     *shelf
	keys      []original
	bulks     []original
	names     []string
	mostFiles int
}

type original struct {
	unit   unit
	result result
}

func (l *life) step() {
	l.mostFiles = max(l.mostFiles, len(l.saved.files(l.T)))
	switch roll := l.random.IntN(20); {
	case roll < 6:
		u := keyed(fmt.Sprint("key ", len(l.keys)), byte(len(l.keys)), add(make([]int, 1+l.random.IntN(3))...))
		l.keys = append(l.keys, original{u, l.accept(u)})
	case roll < 9:
		name := fmt.Sprint("name", len(l.names))
		l.accept(one(take(name)))
		l.names = append(l.names, name)
	case roll < 10:
		l.bulk()
	case roll < 14 && len(l.keys) > 0:
		o := l.keys[l.random.IntN(len(l.keys))]
		l.wantReplay(o.unit, o.result)
		other := o.unit
		other.Commands = slices.Clone(other.Commands)
		other.Commands[0].Request[7]++
		l.reject(other, engine.ErrKeyReused)
		other = o.unit
		other.Actor = "bob"
		other.DryRun = true // so that it can be asked again
		if r := l.accept(other); r.Answers[0].Replayed {
			l.Error("another actor's key is the same key")
		}
	case roll < 17 && len(l.names) > 0:
		c := take(l.names[l.random.IntN(len(l.names))])
		l.reject(one(c), errTaken)
		l.reject(unit{Commands: one(c).Commands, DryRun: true}, errTaken)
		atomic := many(add(1), c)
		atomic.Atomic = true
		if _, err := l.submit(atomic); !errors.Is(err, errTaken) {
			l.Errorf("got %v", err)
		}
		twice := many(take("never"), take("never"))
		twice.DryRun = true
		if r, err := l.submit(twice); err != nil || r.Answers[0].Err != nil || !errors.Is(r.Answers[1].Err, errTaken) {
			l.Errorf("got %+v, %v", r, err)
		}
	case roll < 18 && len(l.bulks) > 0:
		l.bulkAgain(l.bulks[l.random.IntN(len(l.bulks))])
	case roll < 19:
		l.restart()
	default:
		l.die()
	}
}

func (l *life) bulk() {
	u := many()
	u.Key, u.Request[0] = fmt.Sprint("bulk ", len(l.bulks)), byte(len(l.bulks))
	for i := range 1 + l.random.IntN(4) {
		u.Commands = append(u.Commands, engine.Command[command]{
			Command: add(i), Key: engine.PartKey(u.Key, i), Request: u.Request,
		})
	}
	l.bulks = append(l.bulks, original{u, l.accept(u)})
}

func (l *life) bulkAgain(o original) {
	again := l.accept(o.unit)
	for i := range again.Answers {
		if diff := cmp.Diff(o.result.Answers[i].Events, again.Answers[i].Events); diff != "" || !again.Answers[i].Replayed {
			l.Errorf("replayed %v (-original +got):\n%s", again.Answers[i].Replayed, diff)
		}
	}
	// The same key with another request, of which no part was ever sent.
	other := many(add(1))
	other.Key, other.Request[0] = o.unit.Key, o.unit.Request[0]+1
	other.Commands[0].Key, other.Commands[0].Request = engine.PartKey(other.Key, 99), other.Request
	if _, err := l.submit(other); !errors.Is(err, engine.ErrKeyReused) {
		l.Errorf("got %v", err)
	}
}

// die goes on with what a process that was killed would have left: the log, and of the rest whatever the disk had.
func (l *life) die() {
	l.Helper()
	left := &shelf{dir: l.TempDir()}
	l.saved.mu.Lock()
	left.byKey = l.saved.byKey
	copyDir(l.T, filepath.Join(l.saved.dir, stream), filepath.Join(left.dir, stream))
	l.saved.mu.Unlock()
	l.close()
	l.saved, l.options.Snapshots = left, left
	l.start()
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(from, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // renamed or removed just now
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// trials is how many of a random trial there are.
func trials(short int) int {
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		return 50 * short
	}
	return short
}

// TestDyingBetweenTheStepsOfASave: the steps are a run, a snapshot that names it, and the removal of what is old.
func TestDyingBetweenTheStepsOfASave(t *testing.T) {
	for _, snapshotSaved := range []bool{false, true} {
		options, saved := smallMemory(t)
		b := newBench(t, options)
		b.accept(one(open()))
		var originals []result
		for i := range 6 {
			originals = append(originals, b.accept(keyed(fmt.Sprint("k", i), 1, add(i))))
			b.accept(one(take(fmt.Sprint("n", i))))
		}
		b.close()
		before, needed := saved.byKey, saved.files(t)
		if len(needed) < 2 {
			t.Fatalf("there are %v", needed)
		}
		// Runs that belong to no snapshot, or to none any more.
		orphans := []string{"keys-1.run", "names-77m.run", "keys-99.run.tmp"}
		for _, name := range orphans {
			if err := os.WriteFile(filepath.Join(saved.dir, stream, name), []byte("?"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if !snapshotSaved {
			saved.byKey = nil
		}
		b.start()
		for i, original := range originals {
			b.wantReplay(keyed(fmt.Sprint("k", i), 1, add(i)), original)
			b.reject(one(take(fmt.Sprint("n", i))), errTaken)
		}
		if snapshotSaved && !bytes.Equal(before[stream], saved.byKey[stream]) {
			t.Error("another snapshot was taken")
		}
		b.close()
		got := saved.files(t)
		if snapshotSaved && !slices.Equal(got, needed) {
			t.Errorf("there are %v, of which %v are needed", got, needed)
		}
		for _, name := range orphans {
			if slices.Contains(got, name) {
				t.Errorf("there are %v", got)
			}
		}
	}
}

// TestWhatCannotBeSavedIsHandedOverLater: the snapshot fails after its runs were written.
func TestWhatCannotBeSavedIsHandedOverLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options, saved := smallMemory(t)
		b := newBench(t, options)
		b.accept(one(open()))
		saved.fail = errors.New("disk full")
		var originals []result
		use := func() {
			n := len(originals)
			originals = append(originals, b.accept(keyed(fmt.Sprint("k", n), 1, add(n))))
			b.accept(one(take(fmt.Sprint("n", n))))
			synctest.Wait()
		}
		known := func() {
			t.Helper()
			for i, original := range originals {
				b.wantReplay(keyed(fmt.Sprint("k", i), 1, add(i)), original)
				b.reject(one(take(fmt.Sprint("n", i))), errTaken)
			}
		}
		for range 9 {
			use()
		}
		known()
		if files := saved.files(t); len(files) > 0 {
			t.Errorf("what no snapshot counts on takes room: %v", files)
		}
		saved.mu.Lock()
		saved.fail = nil
		saved.mu.Unlock()
		for range 9 {
			use()
		}
		known()
		b.close()
		b.start()
		known()
	})
}

// TestRunsThatAreDamaged: whoever asks first is told to ask again, and then everything is right.
func TestRunsThatAreDamaged(t *testing.T) {
	for _, what := range []string{"keys", "names"} {
		for _, how := range []string{"entries", "footer", "missing"} {
			t.Run(what+" "+how, func(t *testing.T) {
				options, saved := smallMemory(t)
				var log bytes.Buffer
				options.Logger = slog.New(slog.NewTextHandler(&log, nil))
				b := newBench(t, options)
				b.accept(one(open()))
				var originals []result
				for i := range 6 {
					originals = append(originals, b.accept(keyed(fmt.Sprint("k", i), 1, add(i))))
					b.accept(one(take(fmt.Sprint("n", i))))
				}
				b.close()
				for _, name := range saved.files(t) {
					if strings.HasPrefix(name, what) {
						damage(t, filepath.Join(saved.dir, stream, name), how)
					}
				}
				b.start()
				for range 2 { // the second time for sure
					for i := range originals {
						_, _ = b.submit(keyed(fmt.Sprint("k", i), 1, add(i)))
						_, _ = b.submit(one(take(fmt.Sprint("n", i))))
					}
				}
				for i, original := range originals {
					b.wantReplay(keyed(fmt.Sprint("k", i), 1, add(i)), original)
					b.reject(one(take(fmt.Sprint("n", i))), errTaken)
				}
				b.restart()
				b.wantReplay(keyed("k0", 1, add(0)), originals[0])
				if n := len(b.log()); n != 13 {
					t.Errorf("the log has %d events", n)
				}
				if !strings.Contains(log.String(), "snapshot is") {
					t.Errorf("the operator was not told: %s", &log)
				}
			})
		}
	}
}

func damage(t *testing.T, path, how string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case "missing":
		err = os.Remove(path)
	case "entries":
		content[5] ^= 1
		err = os.WriteFile(path, content, 0o600)
	case "footer":
		content[len(content)-5] ^= 1
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestALongTailIsSavedOnTheWay: whoever dies while a long log is read does not begin at its beginning again.
func TestALongTailIsSavedOnTheWay(t *testing.T) {
	options, saved := smallMemory(t)
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	for i := range 40 {
		b.accept(keyed(fmt.Sprint("k", i), 1, add(1, 2, 3)))
		b.accept(one(take(fmt.Sprint("n", i))))
	}
	synctest.Test(t, func(t *testing.T) {
		reader := benchOn(t, b.inner, options)
		reader.close()
		reader.record = synctest.Wait // until what was taken is saved
		reader.options.SnapshotEvery = 5
		reader.start()
		reader.reject(one(add(-1000)), errFloor)
		synctest.Wait()
		if got := saved.revisions(); len(got) == 0 || got[0] > 20 {
			t.Errorf("snapshots at %v", got)
		}
		reader.close()
		reader.start()
		for i := range 40 {
			if r := reader.accept(keyed(fmt.Sprint("k", i), 1, add())); !r.Answers[0].Replayed || len(r.Answers[0].Events) != 3 {
				t.Fatalf("got %+v", r)
			}
			reader.reject(one(take(fmt.Sprint("n", i))), errTaken)
		}
	})
}

// TestOldKeysLeaveTheDisk: names stay.
func TestOldKeysLeaveTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options, saved := smallMemory(t)
		var log bytes.Buffer
		options.Logger = slog.New(slog.NewTextHandler(&log, nil))
		options.KeepInMemory = 12 // so that some that are old and some that are not are together
		b, pass := clocked(t, options)
		use := func(u unit) result {
			defer synctest.Wait() // until it is saved
			return b.accept(u)
		}
		const hours = 200
		var again result
		for i := range hours {
			pass(time.Hour)
			use(keyed(fmt.Sprint("k", i), 1, add(1)))
			use(one(take(fmt.Sprint("n", i))))
			switch i {
			case hours - 34:
				use(keyed("again", 1, add(1)))
			case hours - 6:
				again = use(keyed("again", 2, add(1)))
			}
		}
		for i := range 13 { // brings what was used again to the disk
			use(keyed(fmt.Sprint("more", i), 1, add(1)))
		}
		b.restart()
		b.wantReplay(keyed("again", 2, add(1)), again)
		for i := range hours {
			b.reject(one(take(fmt.Sprint("n", i))), errTaken)
			r := b.accept(keyed(fmt.Sprint("k", i), 1, add(2)))
			switch age := hours - 1 - i; {
			case age <= 24 && !r.Answers[0].Replayed:
				t.Errorf("the key of %d hours ago is forgotten", age)
			case age > 26 && r.Answers[0].Replayed:
				t.Errorf("the key of %d hours ago is known", age)
			}
		}
		for i := range 50 { // without keys
			pass(time.Hour)
			use(one(take(fmt.Sprint("late", i))))
		}
		b.close()
		files := saved.files(t)
		if len(files) > 8 || slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, "keys") }) {
			t.Errorf("there are %v", files)
		}
		if log.Len() > 0 {
			t.Errorf("it is told that\n%s", &log)
		}
	})
}

// TestWhatIsHandedOverLeavesMemory spoils the files: then nothing that is in them is known.
func TestWhatIsHandedOverLeavesMemory(t *testing.T) {
	for name, old := range map[string]unit{"a key": keyed("k1", 1, add(1)), "a name": one(take("n1"))} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options, saved := smallMemory(t)
				options.SnapshotEvery, options.KeepInMemory = 1, 1
				before := forgotten.Load()
				b := newBench(t, options)
				b.accept(one(open()))
				for _, u := range []unit{keyed("k0", 1, add(1)), keyed("k1", 1, add(1)), one(take("n0")), one(take("n1"))} {
					b.accept(u)
					synctest.Wait() // until it is saved
				}
				b.accept(one(add(1))) // learns that it is
				if forgotten.Load() == before {
					t.Error("the state was not told")
				}
				for _, name := range saved.files(t) {
					damage(t, filepath.Join(saved.dir, stream, name), "entries")
				}
				b.reject(old, engine.ErrUnavailable)
			})
		})
	}
}

// TestTheLogCannotBeAsked: then nobody is told anything about an old key, and nothing that was saved is to blame.
func TestTheLogCannotBeAsked(t *testing.T) {
	options, saved := smallMemory(t)
	b := newBench(t, options)
	b.accept(one(open()))
	original := b.accept(keyed("k0", 1, add(1)))
	for i := range 6 {
		b.accept(keyed(fmt.Sprint("other", i), 1, add(1)))
		b.accept(one(take(fmt.Sprint("n", i))))
	}
	b.restart()
	b.accept(one(add(1)))
	before := saved.files(t)
	b.store.FailReads(errors.New("the disk is gone"))
	for _, u := range []unit{keyed("k0", 1, add(1)), one(take("n0")), keyed("k0", 1, add(1))} {
		if r, err := b.submit(u); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("got %+v, %v", r, err)
		}
	}
	b.store.FailReads(nil)
	b.wantReplay(keyed("k0", 1, add(1)), original)
	b.reject(one(take("n0")), errTaken)
	if got := saved.files(t); !slices.Equal(got, before) {
		t.Errorf("there are %v, and were %v", got, before)
	}
}

// TestASnapshotOfWhatWasInDoubt is of a state that was dropped meanwhile.
func TestASnapshotOfWhatWasInDoubt(t *testing.T) {
	for name, fault := range map[string]storetest.Fault{"lost": storetest.Lost(), "written": storetest.Written()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options, saved := smallMemory(t)
				options.SnapshotEvery, options.KeepInMemory = 8, 1
				b := newBench(t, options)
				b.accept(one(open()))
				first := b.accept(keyed("k1", 1, add(1)))
				b.accept(many(take("n1"), take("n2"), add(1)))
				second := b.accept(keyed("k2", 1, add(2)))
				b.store.Next(fault)
				third := b.accept(keyed("k3", 1, add(1, 2))) // is worth a snapshot
				synctest.Wait()
				b.wantReplay(keyed("k3", 1, add(1, 2)), third)
				for range 2 {
					b.wantReplay(keyed("k1", 1, add(1)), first)
					b.wantReplay(keyed("k2", 1, add(2)), second)
					b.reject(one(take("n1")), errTaken)
					b.accept(one(add(1)))
					synctest.Wait()
				}
				if len(saved.revisions()) == 0 {
					t.Error("no snapshot was taken")
				}
			})
		})
	}
}

// TestWhatCannotBeRemovedDoesNoHarm: there is something in the directory of runs that nobody can remove.
func TestWhatCannotBeRemovedDoesNoHarm(t *testing.T) {
	options, saved := smallMemory(t)
	b := newBench(t, options)
	b.accept(one(open()))
	for i := range 6 {
		b.accept(keyed(fmt.Sprint("k", i), 1, add(i)))
	}
	b.close()
	if err := os.MkdirAll(filepath.Join(saved.dir, stream, "other", "thing"), 0o700); err != nil {
		t.Fatal(err)
	}
	var reads []eventstore.Revision
	b.hook = func(from eventstore.Revision) { reads = append(reads, from) }
	b.start()
	b.reject(one(add(-100)), errFloor)
	if len(reads) == 0 || reads[0] == 0 {
		t.Errorf("the log was read from %v", reads)
	}
}

// TestASnapshotThatCannotBeDropped is not used again all the same.
func TestASnapshotThatCannotBeDropped(t *testing.T) {
	options, saved := smallMemory(t)
	b := newBench(t, options)
	b.accept(one(open()))
	original := b.accept(keyed("k0", 1, add(0)))
	for i := range 6 {
		b.accept(keyed(fmt.Sprint("other", i), 1, add(i)))
	}
	b.close()
	for _, name := range saved.files(t) {
		damage(t, filepath.Join(saved.dir, stream, name), "entries")
	}
	saved.stuck = true
	b.start()
	b.accept(one(add(1)))
	b.reject(keyed("k0", 1, add(0)), engine.ErrUnavailable)
	b.wantReplay(keyed("k0", 1, add(0)), original)
}

// TestDamageThatMergingFinds is mended although nobody asks for what is damaged.
func TestDamageThatMergingFinds(t *testing.T) {
	options, saved := smallMemory(t)
	var log bytes.Buffer
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	b := newBench(t, options)
	b.accept(one(open()))
	use := func(i int) {
		b.accept(one(take(fmt.Sprint("n", i))))
	}
	n := 0
	for ; len(saved.files(t)) == 0; n++ {
		use(n)
		b.restart()
	}
	damage(t, filepath.Join(saved.dir, stream, saved.files(t)[0]), "entries")
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && !strings.Contains(log.String(), "the snapshot is dropped"); n++ {
		use(n)
		time.Sleep(time.Millisecond) // a restart breaks merging off, and on a busy machine it would never begin
		b.restart()
	}
	if !strings.Contains(log.String(), "the snapshot is dropped") {
		t.Errorf("nobody noticed: %s", &log)
	}
	for i := range n {
		b.reject(one(take(fmt.Sprint("n", i))), errTaken)
	}
}

// TestStreamsThatLeaveMemoryAtOnce: whoever comes next finds nobody else at work on the stream's files.
func TestStreamsThatLeaveMemoryAtOnce(t *testing.T) {
	options, _ := smallMemory(t)
	var log bytes.Buffer
	options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	options.IdleAfter, options.KeepInMemory = 1, 1
	b := newBench(t, options)
	b.accept(one(open()))
	for i := range 300 {
		b.accept(many(take(fmt.Sprint("a", i)), take(fmt.Sprint("b", i))))
	}
	b.close()
	if log.Len() > 0 {
		t.Errorf("it is told that\n%s", &log)
	}
}
