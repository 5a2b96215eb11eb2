package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// source is what is imported. It can be read more than once: NDJSON is, first to check it and then to send it.
type source struct {
	path string // as errors show it
	// name begins the references of transactions: the file's base name, or a digest of what came on standard input.
	name string
	file *os.File
	temp bool // file is a copy of standard input
}

// openSource opens a file. Standard input ("-") is copied to a temporary one.
func openSource(path string, in io.Reader) (*source, error) {
	if path == "-" {
		return spool(in)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open what is to be imported: %w", err)
	}
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is not a file", path), err, file.Close())
	}
	return &source{path: path, name: filepath.Base(path), file: file}, nil
}

func spool(in io.Reader) (*source, error) {
	file, err := os.CreateTemp("", "daybook-import-")
	if err != nil {
		return nil, fmt.Errorf("make a copy of standard input: %w", err)
	}
	s := &source{path: "standard input", file: file, temp: true}
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, digest), in); err != nil {
		s.close()
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	const digits = 16
	s.name = hex.EncodeToString(digest.Sum(nil))[:digits]
	return s, nil
}

// rewind gives the content from its beginning.
func (s *source) rewind() (io.Reader, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %s from its beginning: %w", s.path, err)
	}
	return s.file, nil
}

func (s *source) close() {
	_ = s.file.Close() // only read from
	if s.temp {
		_ = os.Remove(s.file.Name()) // the system clears what stays
	}
}

// isNDJSON tells whether the source holds commands rather than a journal: by its name, or by its first byte.
func (s *source) isNDJSON() (bool, error) {
	switch strings.ToLower(filepath.Ext(s.path)) {
	case ".ndjson", ".jsonl":
		return true, nil
	}
	content, err := s.rewind()
	if err != nil {
		return false, err
	}
	first, err := bufio.NewReader(content).ReadByte()
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read %s: %w", s.path, err)
	}
	return first == '{', nil
}
