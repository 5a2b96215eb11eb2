package natsserver

import (
	"fmt"
	"log/slog"
	"sync"
)

// logger gives the server's log lines to slog. The server's notices are about its own start and stop, which is of
// interest to nobody who embeds it: they become debug lines.
type logger struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal error
}

func (l *logger) Noticef(format string, v ...any) { l.write(l.log.Debug, format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.write(l.log.Warn, format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.write(l.log.Error, format, v) }
func (l *logger) Debugf(format string, v ...any)  { l.write(l.log.Debug, format, v) }
func (l *logger) Tracef(format string, v ...any)  { l.write(l.log.Debug, format, v) }

// Fatalf keeps the reason, so that [Start] can report it. It must not end the process.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	l.fatal = fmt.Errorf(format, v...)
	l.mu.Unlock()
	l.write(l.log.Error, format, v)
}

func (l *logger) fatalOr(otherwise error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal != nil {
		return l.fatal
	}
	return otherwise
}

func (*logger) write(log func(string, ...any), format string, v []any) {
	log("nats: " + fmt.Sprintf(format, v...))
}
