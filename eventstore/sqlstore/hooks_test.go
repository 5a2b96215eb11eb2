package sqlstore

// What the tests of this room, which see it from outside, need to reach into the writer. All functions given here run in
// the writer's goroutine; nil takes a hook away.

// BeforeTransactions sets what runs before each transaction, with the writing connection.
func (s *Store) BeforeTransactions(run func(exec func(statement string) error)) {
	s.setHooks(func(h *hooks) {
		h.transaction = nil
		if run != nil {
			h.transaction = func(session *session) {
				run(func(statement string) error {
					_, err := session.conn.ExecContext(always, statement)
					return err
				})
			}
		}
	})
}

// InsteadOfCommit sets what runs in the place of a commit.
func (s *Store) InsteadOfCommit(run func(commit, rollback func() error) error) {
	s.setHooks(func(h *hooks) {
		h.commit = nil
		if run != nil {
			h.commit = func(session *session) error { return run(session.commit, session.rollback) }
		}
	})
}

// BeforeSettling sets what runs before each attempt to settle, which fails where it does.
func (s *Store) BeforeSettling(run func() error) { s.setHooks(func(h *hooks) { h.settle = run }) }

func (s *Store) setHooks(change func(*hooks)) {
	h := s.hook()
	change(&h)
	s.hooks.Store(&h)
}
