package views

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate makes or upgrades the shared tables. Several processes may do so at once: whoever finds the file busy, or a
// table that another has just made, looks again.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("prepare the migrations: %w", err)
	}
	const attempts = 50
	for attempt := 1; ; attempt++ {
		_, err = provider.Up(ctx)
		if err == nil {
			return nil
		}
		if attempt == attempts || ctx.Err() != nil {
			return fmt.Errorf("make the shared tables: %w", err)
		}
		time.Sleep(time.Duration(attempt) * busyPause)
	}
}
