package openapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
)

// The page is one document, so that it shows as soon as it is there. Its parts are files of their own, so that people can
// edit them.
var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// page puts the page together.
func page() []byte {
	return []byte(strings.NewReplacer("{{style}}", pageCSS, "{{script}}", pageJS).Replace(pageHTML))
}

// policy lets the page's own style and script run and nothing else, and lets it ask nobody but this server.
func policy() string {
	return strings.Join([]string{
		"default-src 'self'", "script-src 'self' " + hash(pageJS), "style-src 'self' " + hash(pageCSS),
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "object-src 'none'",
	}, "; ")
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
