package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// ErrLeadLost is the cause with which the context of a singleton's work ends when this node is not to do it any more.
var ErrLeadLost = errors.New("this node does not lead it any more")

// Lead does the work of a singleton whenever it is this node's turn, until ctx ends. It waits for that while another node leads,
// and takes over when that node's session is gone or it gives up the lead.
//
// The context of work ends when ctx does, and, with [ErrLeadLost] as its cause, when the session of this node is over by its own
// clock, or another node has the lead. Work has to stop at once then: the next one begins without waiting for it. Work that
// ends by itself ends Lead with what it returned. When Lead returns the lead is given up.
func (m *Member) Lead(ctx context.Context, singleton string, work func(ctx context.Context) error) error {
	for {
		if !m.awaitLead(ctx, singleton) {
			return nil
		}
		m.log.InfoContext(ctx, "this node leads", "singleton", singleton)
		lost, err := m.lead(ctx, singleton, work)
		if !lost {
			m.release(ctx, singletonKeys+singleton)
			return err
		}
		m.noteLost(ctx, singleton, err)
	}
}

// noteLost says that this node does not lead any more, which needs nobody's attention where it is leaving.
func (m *Member) noteLost(ctx context.Context, singleton string, err error) {
	log := m.log.With("singleton", singleton)
	if err != nil {
		log = log.With("error", err)
	}
	level := slog.LevelWarn
	if standing, _ := m.view.standing(); standing == over {
		level = slog.LevelInfo
	}
	log.Log(ctx, level, "this node leads no more")
}

// Leader tells who does a singleton's work at present, if anybody does.
func (m *Member) Leader(singleton string) (owner Owner, ok bool) {
	m.view.mu.RLock()
	defer m.view.mu.RUnlock()
	if m.view.standingLocked() != held {
		return Owner{}, false
	}
	return m.view.ownerLocked(m.view.singletons[singleton])
}

// awaitLead waits until this node leads, and tells whether it does: otherwise ctx has ended.
func (m *Member) awaitLead(ctx context.Context, singleton string) bool {
	for ctx.Err() == nil {
		changed := m.view.next()
		leader, ok := m.Leader(singleton)
		if ok && leader.Here {
			return true
		}
		if standing, _ := m.view.standing(); !ok && standing == held {
			if _, err := m.take(ctx, singletonKeys+singleton); err == nil {
				continue
			}
		}
		m.awaitChange(ctx, changed)
	}
	return false
}

// lead works for as long as this node leads, and tells whether it ended because it does not any more.
func (m *Member) lead(ctx context.Context, singleton string, work func(ctx context.Context) error) (lost bool, err error) {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for working.Err() == nil {
			changed := m.view.next()
			if leader, ok := m.Leader(singleton); !ok || !leader.Here {
				cancel(ErrLeadLost)
				return
			}
			m.awaitChange(working, changed)
		}
	}()
	err = work(working)
	lost = errors.Is(context.Cause(working), ErrLeadLost)
	cancel(nil)
	<-done
	if err != nil && !lost {
		err = fmt.Errorf("work of the singleton %s: %w", singleton, err)
	}
	return lost, err
}
