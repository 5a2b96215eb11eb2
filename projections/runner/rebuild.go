package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Progress is how far a rebuild has come.
type Progress struct {
	// Done and Total count events; Total is about what there was at the start.
	Done, Total uint64
	Elapsed     time.Duration
}

// ErrUnknownProjection means that there is no projection of that name.
var ErrUnknownProjection = errors.New("no such projection")

// Rebuild makes the tables of projections again from the log, beside the live ones, and then shows them in their place;
// of all projections where no names are given. It reads the log once for all of them. Readers see the old rows until they
// see the new ones, and a runner, here or in another process, goes on feeding the live tables meanwhile.
//
// A rebuild that fails, or dies, leaves the live tables untouched. Progress is called after each batch, if not nil.
func (r *Runner) Rebuild(ctx context.Context, names []string, progress func(Progress)) error {
	release, err := r.Views.ReserveBuilding(ctx)
	if err != nil {
		return err
	}
	err = r.rebuild(ctx, names, progress)
	return errors.Join(err, release())
}

func (r *Runner) rebuild(ctx context.Context, names []string, progress func(Progress)) (err error) {
	chosen, err := r.choose(names)
	if err != nil {
		return err
	}
	models := modelsOf(chosen)
	first, err := r.origin(ctx)
	if err != nil {
		return err
	}
	err = r.Views.Update(ctx, func(tx *views.Tx) error {
		if err := tx.Belong(first); err != nil {
			return err
		}
		if err := tx.CreateMissing(modelsOf(r.Projections)); err != nil {
			return err
		}
		return r.dropUnused(tx)
	})
	if err != nil {
		return err
	}
	builder, err := r.newBuilder(ctx, chosen)
	if err != nil {
		return err
	}
	// Whatever becomes of it: what is not live in the end is dropped. Where that fails the next start does it.
	defer func() { err = errors.Join(err, r.Views.Update(context.WithoutCancel(ctx), builder.dropUnused)) }()
	r.Logger.InfoContext(ctx, "rebuilding read models", "projections", names)
	if err := r.fill(ctx, builder, progress); err != nil {
		return err
	}
	if err := r.swap(ctx, builder, models); err != nil {
		return err
	}
	r.Logger.InfoContext(ctx, "the rebuilt read models are live", "projections", names)
	return nil
}

func (r *Runner) choose(names []string) ([]projector.Projection, error) {
	if len(names) == 0 {
		return r.Projections, nil
	}
	var chosen []projector.Projection
	for _, name := range names {
		i := slices.IndexFunc(r.Projections, func(p projector.Projection) bool { return p.Model.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("rebuild %q: %w", name, ErrUnknownProjection)
		}
		chosen = append(chosen, r.Projections[i])
	}
	return chosen, nil
}

func modelsOf(all []projector.Projection) []views.Model {
	models := make([]views.Model, len(all))
	for i, p := range all {
		models[i] = p.Model
	}
	return models
}

// newBuilder makes the next generation of each chosen projection, and the group that fills them.
func (r *Runner) newBuilder(ctx context.Context, chosen []projector.Projection) (*group, error) {
	builder := newGroup(r)
	builder.building = true
	err := r.Views.Update(ctx, func(tx *views.Tx) error {
		builder.session = tx.Session()
		for _, p := range chosen {
			next, err := tx.CreateGeneration(p.Model)
			if err != nil {
				return err
			}
			applier := p.New(next.Number)
			if d, ok := applier.(projector.Deferrer); ok {
				d.Defer()
			}
			builder.members = append(builder.members, &member{
				projection: p, active: true, generation: next, applier: applier, next: make(map[string]uint64),
			})
		}
		return nil
	})
	return builder, err
}

// fill applies the whole log, completes the tables, and then applies what has come meanwhile, until little comes.
func (r *Runner) fill(ctx context.Context, builder *group, progress func(Progress)) error {
	total, err := r.total(ctx)
	if err != nil {
		return err
	}
	began, done := time.Now(), uint64(0)
	report := func(events int) {
		done += uint64(events)
		if progress != nil {
			progress(Progress{Done: done, Total: max(total, done), Elapsed: time.Since(began)})
		}
	}
	if err := r.replay(ctx, builder, report); err != nil {
		return err
	}
	err = r.Views.Update(ctx, func(tx *views.Tx) error {
		if err := builder.flush(tx); err != nil {
			return err
		}
		for _, m := range builder.members {
			if err := tx.CreateIndexes(m.projection.Model, m.generation); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	const roundsMax, fewEvents = 10, 1000
	for range roundsMax {
		before := done
		if err := r.replay(ctx, builder, report); err != nil {
			return err
		}
		if done-before < fewEvents {
			return nil
		}
	}
	return nil
}

// flush writes what the members have put off.
func (g *group) flush(tx *views.Tx) error {
	for _, m := range g.members {
		if d, ok := m.applier.(projector.Deferrer); ok {
			if err := d.Flush(tx); err != nil {
				return fmt.Errorf("projection %s: %w", m.name(), err)
			}
		}
	}
	return nil
}

// replay applies the log from where the builder is to its end.
func (r *Runner) replay(ctx context.Context, builder *group, report func(events int)) error {
	ctx, cancel := context.WithCancel(ctx)
	after := builder.position()
	parts := r.readAhead(r.Store.ReadAll(ctx, after), after)
	defer drain(parts)
	defer cancel() // before it
	for p := range parts {
		if p.err != nil {
			return p.err
		}
		if err := builder.take(ctx, p.items, &p.read); err != nil {
			return err
		}
		report(len(p.items))
	}
	return nil
}

// total is about how many events there are: as many as the projection that is the furthest has.
func (r *Runner) total(ctx context.Context) (uint64, error) {
	var total uint64
	err := r.Views.Reader().GetContext(ctx, &total, `SELECT coalesce(max(events), 0) FROM
		(SELECT sum(revision + 1) AS events FROM live_checkpoints GROUP BY projection) AS sums`)
	if err != nil {
		return 0, fmt.Errorf("count the events: %w", err)
	}
	return total, nil
}

// dropUnused removes the generations that are not live. Whoever calls it has reserved the building of generations.
func (r *Runner) dropUnused(tx *views.Tx) error {
	all, err := tx.Generations()
	if err != nil {
		return err
	}
	for _, one := range all {
		for _, p := range r.Projections {
			if one.Projection != p.Model.Name || one.Live {
				continue
			}
			if err := tx.DropGeneration(p.Model, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropUnused removes the generations of the members that are not live, up to those that the group has filled. There are later ones
// if its reservation was lost, which are another's.
func (g *group) dropUnused(tx *views.Tx) error {
	all, err := tx.Generations()
	if err != nil {
		return err
	}
	for _, m := range g.members {
		for _, one := range all {
			if one.Projection != m.name() || one.Live || one.Number > m.generation.Number {
				continue
			}
			if err := tx.DropGeneration(m.projection.Model, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropHalfBuilt removes what a rebuild that died has left, unless one is under way.
func (r *Runner) dropHalfBuilt(ctx context.Context) error {
	release, err := r.Views.ReserveBuilding(ctx)
	if errors.Is(err, views.ErrRebuilding) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(r.Views.Update(ctx, r.dropUnused), release())
}

// rebuildOutdated rebuilds the projections whose live tables were made by older code. Queries read those until it is done.
func (r *Runner) rebuildOutdated(ctx context.Context, names []string) {
	for wait := r.RetryPause; ctx.Err() == nil; wait = min(wait*retryMultiplier, retryIntervalMax) {
		r.Logger.InfoContext(ctx, "the read models' tables are of an older version", "projections", strings.Join(names, " "))
		err := r.Rebuild(ctx, names, nil)
		if err == nil {
			r.wake(ctx)
			return
		}
		if ctx.Err() == nil {
			r.Logger.ErrorContext(ctx, "rebuild outdated read models, trying again", "projections", names, "error", err)
		}
		run.Pause(ctx, wait)
	}
}

// wake makes the live group take over generations that have just become live.
func (r *Runner) wake(ctx context.Context) {
	if err := r.catchUp(ctx); err != nil && ctx.Err() == nil {
		r.Logger.WarnContext(ctx, "take over the rebuilt read models", "error", err)
	}
}
