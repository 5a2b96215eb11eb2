package views

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrateFile makes or upgrades the shared tables of a file. Several processes may do so at once: whoever finds the file
// busy, or a table that another has just made, looks again.
func migrateFile(ctx context.Context, db *sql.DB) error {
	const attempts = 50
	for attempt := 1; ; attempt++ {
		err := migrate(ctx, goose.DialectSQLite3, &sqliteDialect, db)
		if err == nil || attempt == attempts || ctx.Err() != nil {
			return err
		}
		time.Sleep(time.Duration(attempt) * busyPause)
	}
}

// migrate makes the steps that are missing.
func migrate(ctx context.Context, kind goose.Dialect, in *dialect, db *sql.DB) error {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	provider, err := goose.NewProvider(kind, db, steps{folder, in}, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("prepare the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("make the shared tables: %w", err)
	}
	return nil
}

// steps are the migrations, as a database has them.
type steps struct {
	fs.FS

	in *dialect
}

// Open implements [fs.FS].
func (s steps) Open(name string) (fs.File, error) {
	file, err := s.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return file, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return stepFile{file, strings.NewReader(s.in.define.Replace(string(text)))}, nil
}

// stepFile is a file that reads otherwise.
type stepFile struct {
	fs.File

	text *strings.Reader
}

// Read implements [fs.File].
func (f stepFile) Read(to []byte) (int, error) { return f.text.Read(to) }
