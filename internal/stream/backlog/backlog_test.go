package backlog_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/internal/stream/backlog"
)

func TestTakesWhatWaitsUpToTheLimits(t *testing.T) {
	b := backlog.New[int](backlog.Limits{Items: 100, Bytes: 1000})
	for i := range 5 {
		if err := b.Put(t.Context(), i, 10); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []struct {
		limits backlog.Limits
		items  []int
	}{
		{backlog.Limits{Items: 2, Bytes: 1000}, []int{0, 1}},
		{backlog.Limits{Items: 100, Bytes: 15}, []int{2}},
		{backlog.Limits{Items: 100, Bytes: 0}, []int{3}},
		{backlog.Limits{Items: 100, Bytes: 1000}, []int{4}},
		{backlog.Limits{Items: 100, Bytes: 1000}, nil},
	} {
		if got := b.TryTake(want.limits); !slices.Equal(got, want.items) {
			t.Errorf("with limits %+v took %v, want %v", want.limits, got, want.items)
		}
	}
}

func TestWhoeverBringsTooMuchWaits(t *testing.T) {
	for name, capacity := range map[string]backlog.Limits{
		"items": {Items: 1, Bytes: 1000}, "bytes": {Items: 1000, Bytes: 15},
	} {
		b := backlog.New[int](capacity)
		if err := b.Put(t.Context(), 1, 10); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Put(ctx, 2, 10); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a second item found room: %v", name, err)
		}
	}
}

func TestManyBringOneTakes(t *testing.T) {
	b := backlog.New[int](backlog.Limits{Items: 3, Bytes: 1 << 20})
	const writers, each = 4, 500
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for i := range each {
				if err := b.Put(t.Context(), i, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	taken := 0
	for taken < writers*each {
		items, err := b.Take(t.Context(), backlog.Limits{Items: 2, Bytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		taken += len(items)
	}
	writing.Wait()
	if b.Len() != 0 {
		t.Errorf("%d items are left", b.Len())
	}
}
