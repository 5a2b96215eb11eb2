package httpx

import (
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

const debugLevel = slog.LevelDebug

// metrics counts requests by route template, method and status, and times them by route and method. Its series are
// kept in a map that is replaced when one is added, so that the usual request finds its own with one lookup.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	mu     sync.Mutex
	series atomic.Pointer[map[seriesKey]series]
}

type seriesKey struct {
	method, route string
	status        int
}

type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		return nil
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_http_requests_total",
			Help: "HTTP requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "daybook_http_request_seconds",
			Help:    "Time from a request's header to the end of its answer, by route and method.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 14),
		}, []string{"route", "method"}),
	}
	m.series.Store(&map[seriesKey]series{})
	r.MustRegister(m.requests, m.seconds)
	return m
}

func (m *metrics) observe(c echo.Context, status int, took time.Duration) {
	if m == nil {
		return
	}
	key := seriesKey{method: knownMethod(c.Request().Method), route: c.Path(), status: status}
	if key.route == "" || status == http.StatusMethodNotAllowed {
		key.route = "unmatched"
	}
	s, ok := (*m.series.Load())[key]
	if !ok {
		s = m.add(key)
	}
	s.requests.Inc()
	s.seconds.Observe(took.Seconds())
}

func (m *metrics) add(key seriesKey) series {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := series{
		requests: m.requests.WithLabelValues(key.route, key.method, strconv.Itoa(key.status)),
		seconds:  m.seconds.WithLabelValues(key.route, key.method),
	}
	next := maps.Clone(*m.series.Load())
	next[key] = s
	m.series.Store(&next)
	return s
}

// knownMethod keeps clients from making series: methods are theirs to invent.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead,
		http.MethodOptions:
		return method
	}
	return "other"
}
