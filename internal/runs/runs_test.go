package runs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/internal/runs"
)

// random gives entries whose digests have so few bits that many are equal.
func random(seed uint64, n, bits int) []runs.Entry {
	r := rand.New(rand.NewPCG(seed, 0))
	entries := make([]runs.Entry, n)
	for i := range entries {
		entries[i] = runs.Entry{Digest: r.Uint64() >> (64 - bits) * 0x9E3779B97F4A7C15, Place: uint64(i)}
	}
	return entries
}

func placesOf(entries []runs.Entry) map[uint64][]uint64 {
	places := map[uint64][]uint64{}
	for _, e := range entries { // in the order of their places
		places[e.Digest] = append(places[e.Digest], e.Place)
	}
	return places
}

func write(t testing.TB, d *runs.Dir, name string, entries []runs.Entry) *runs.Run {
	t.Helper()
	run, err := d.Write(name, slices.Clone(entries))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Close() })
	return run
}

// wantAll looks for the digests of entries, and for others.
func wantAll(t *testing.T, run *runs.Run, entries []runs.Entry) {
	t.Helper()
	places := placesOf(entries)
	for _, e := range random(99, 1000, 64) {
		places[e.Digest] = append(places[e.Digest], nil...) // asked for too
	}
	for digest, want := range places {
		got, err := run.Find(nil, digest)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%x is at %d, %v; want %d", digest, got, err, want)
		}
	}
}

func TestRunsFindWhatWasWritten(t *testing.T) {
	t.Parallel()
	d := runs.NewDir(filepath.Join(t.TempDir(), "runs"))
	for name, entries := range map[string][]runs.Entry{
		"one":             random(1, 1, 64),
		"a block":         random(2, 255, 64),
		"a block and one": random(3, 256, 64),
		"many":            random(4, 3000, 64),
		"some alike":      random(5, 3000, 8),
		"blocks alike":    random(6, 3000, 1),
	} {
		run := write(t, d, name, entries)
		wantAll(t, run, entries)
		opened, err := d.Open(run.ID())
		if err != nil {
			t.Fatal(err)
		}
		wantAll(t, opened, entries)
		if opened.Entries() != len(entries) || opened.Most() != uint64(len(entries)-1) || opened.Bytes() != run.Bytes() {
			t.Errorf("%s: it has %d entries, up to %d", name, opened.Entries(), opened.Most())
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRunsAreMerged(t *testing.T) {
	t.Parallel()
	d := runs.NewDir(t.TempDir())
	var parts []*runs.Run
	for _, bits := range []int{64, 6} {
		all := random(7, 5000, bits)
		parts = nil
		for i, part := range [][]runs.Entry{all[:100], all[100:1100], all[1100:1101], all[1101:]} {
			parts = append(parts, write(t, d, string(rune('a'+i)), part))
		}
		for _, from := range []uint64{0, 500, 4999} {
			merged, err := d.Merge(t.Context(), "merged", parts, from)
			if err != nil {
				t.Fatal(err)
			}
			wantAll(t, merged, all[from:])
			_ = merged.Close()
		}
		if none, err := d.Merge(t.Context(), "none", parts, 5000); none != nil || err != nil {
			t.Errorf("got %v, %v", none, err)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := d.Merge(ended, "ended", parts, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(pathOf(t, d, "merged")))
	if len(left) != 5 || err != nil {
		t.Errorf("the directory has %v, %v", left, err)
	}
	if err := d.Keep([]string{"merged", "a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(parts[1].ID()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := runs.NewDir(filepath.Join(t.TempDir(), "none")).Keep(nil); err != nil {
		t.Error(err)
	}
}

// pathOf finds where a run is by way of what removes it.
func pathOf(t *testing.T, d *runs.Dir, name string) string {
	t.Helper()
	return filepath.Join(d.Path(), name)
}

// TestDamage changes each part of a file, and cuts it: never is a place told that was not written, or left out.
func TestDamage(t *testing.T) {
	t.Parallel()
	d := runs.NewDir(t.TempDir())
	entries := random(8, 600, 64)
	id := write(t, d, "good", entries).ID()
	good, err := os.ReadFile(pathOf(t, d, "good"))
	if err != nil {
		t.Fatal(err)
	}
	try := func(bad []byte) {
		t.Helper()
		if err := os.WriteFile(pathOf(t, d, "bad"), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		run, err := d.Open(runs.ID{Name: "bad", Sum: id.Sum})
		if err != nil {
			if !errors.Is(err, runs.ErrDamaged) {
				t.Errorf("got %v", err)
			}
			return
		}
		defer run.Close()
		damaged := false
		for _, e := range entries {
			got, err := run.Find(nil, e.Digest)
			damaged = damaged || errors.Is(err, runs.ErrDamaged)
			if err == nil && !slices.Equal(got, []uint64{e.Place}) {
				t.Fatalf("%x is at %d, want %d", e.Digest, got, e.Place)
			}
		}
		_, err = d.Merge(t.Context(), "merged", []*runs.Run{run}, 0)
		if !damaged || !errors.Is(err, runs.ErrDamaged) {
			t.Errorf("no damage was noticed: %v, %v", damaged, err)
		}
	}
	for at := 0; at < len(good); at += 97 {
		bad := slices.Clone(good)
		bad[at] ^= 0x10
		try(bad)
		try(good[:at])
	}
	for at := len(good) - 60; at < len(good); at++ {
		bad := slices.Clone(good)
		bad[at] ^= 0x10
		try(bad)
	}
	try(append(slices.Clone(good), 0))
	write(t, d, "other", random(9, 600, 64))
	elsewhere := slices.Clone(entries) // the same was seen, in another order
	elsewhere[1].Place, elsewhere[2].Place = elsewhere[2].Place, elsewhere[1].Place
	write(t, d, "elsewhere", elsewhere)
	for _, name := range []string{"other", "elsewhere"} {
		if _, err := d.Open(runs.ID{Name: name, Sum: id.Sum}); !errors.Is(err, runs.ErrDamaged) {
			t.Errorf("another run is opened: %v", err)
		}
	}
}

// TestRunsStayFew hands over again and again, and merges when that is worth it.
func TestRunsStayFew(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		var sizes []int
		written, total, most := 0, 0, 0
		for range 5000 {
			n := 60_000 + r.IntN(100_000)
			total += n
			sizes = append(sizes, n)
			if from := runs.Pick(sizes); from < len(sizes) {
				sum := 0
				for _, n := range sizes[from:] {
					sum += n
				}
				written += sum
				sizes = append(sizes[:from], sum)
			}
			most = max(most, len(sizes))
		}
		if most > 16 || written > 8*total {
			t.Errorf("at times there were %d runs; what came in was written again %d times", most, written/total)
		}
	}
	if from := runs.Pick([]int{100, 1, 1, 1}); from != 4 {
		t.Errorf("runs from %d on are merged", from)
	}
}

func TestTheFilterIsSeldomWrong(t *testing.T) {
	t.Parallel()
	entries := random(10, 200_000, 64)
	d := runs.NewDir(t.TempDir())
	run := write(t, d, "run", entries)
	wrong := 0
	others := random(11, 200_000, 64)
	for _, e := range others {
		if run.MayHave(e.Digest) {
			wrong++
		}
	}
	if wrong > len(others)/50 {
		t.Errorf("%d of %d were thought to be there", wrong, len(others))
	}
	if perEntry := float64(run.Bytes()) / float64(run.Entries()); perEntry > 1.6 {
		t.Errorf("an entry takes %.2f bytes of memory", perEntry)
	}
}

func BenchmarkFind(b *testing.B) {
	const entries = 1_000_000
	d := runs.NewDir(b.TempDir())
	all := random(12, entries, 64)
	run := write(b, d, "run", all)
	for name, ask := range map[string][]runs.Entry{"absent": random(13, entries, 64), "present": all} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var places []uint64
			i := 0
			for b.Loop() {
				var err error
				if places, err = run.Find(places[:0], ask[i%entries].Digest); err != nil {
					b.Fatal(err)
				}
				i += 7919
			}
			b.ReportMetric(float64(run.Bytes())/entries, "heap-bytes/entry")
		})
	}
}
