package telemetry

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Scope is a registry for what comes and goes while the process lives: what is registered in it is taken out of the registry
// behind it when the scope is closed. It is safe for concurrent use.
type Scope struct {
	registry prometheus.Registerer

	mu         sync.Mutex
	registered []prometheus.Collector
}

var _ prometheus.Registerer = (*Scope)(nil)

// NewScope begins a scope of a registry.
func NewScope(registry prometheus.Registerer) *Scope { return &Scope{registry: registry} }

// Register implements [prometheus.Registerer].
func (s *Scope) Register(c prometheus.Collector) error {
	if err := s.registry.Register(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.registered = append(s.registered, c)
	return nil
}

// MustRegister implements [prometheus.Registerer].
func (s *Scope) MustRegister(all ...prometheus.Collector) {
	var errs []error
	for _, c := range all {
		errs = append(errs, s.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		panic(err)
	}
}

// Unregister implements [prometheus.Registerer].
func (s *Scope) Unregister(c prometheus.Collector) bool { return s.registry.Unregister(c) }

// Close takes out what was registered.
func (s *Scope) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.registered {
		s.registry.Unregister(c)
	}
	s.registered = nil
}
