// Package look has what all pages have in common: their colours, tables and answers in CSS, and their policy.
package look

import (
	"crypto/sha256"
	_ "embed" // for the file below
	"encoding/base64"
	"html/template"
	"strings"
)

// Base is the style that all pages begin with.
//
//go:embed base.css
var Base string

// Policy forbids a page to load anything, and to run any script but its own, which it knows by their hashes.
func Policy(scripts ...template.JS) string {
	var sums []string
	for _, s := range scripts {
		digest := sha256.Sum256([]byte(s))
		sums = append(sums, "'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'")
	}
	return "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src " + strings.Join(sums, " ") +
		"; base-uri 'none'; form-action 'none'"
}
