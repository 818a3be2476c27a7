package page

import (
	"crypto/sha256"
	_ "embed" // for the files below
	"encoding/base64"
	"html/template"
	"strings"
)

var (
	//go:embed assets/page.html
	pageHTML string
	//go:embed assets/page.css
	pageCSS string
	//go:embed assets/page.js
	pageJS string
	//go:embed assets/lanes.js
	lanesJS string
	//go:embed assets/uplot/uPlot.iife.min.js
	uplotJS string
	//go:embed assets/uplot/uPlot.min.css
	uplotCSS string
	//go:embed assets/uplot/LICENSE
	uplotLicence string
)

var (
	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
	pageStyle    = template.CSS(uplotCSS + "\n" + pageCSS)
	pageScript   = template.JS("\n" + pageJS + "\n" + lanesJS)
	// The licence must accompany every copy.
	libraryScript = template.JS("\n/*\n" + strings.TrimSpace(uplotLicence) + "\n*/\n" + uplotJS)

	// policy forbids the page to load anything, and to run any script but its own two, which it knows by their hashes.
	policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src " + sum(libraryScript) + " " +
		sum(pageScript) + "; base-uri 'none'; form-action 'none'"
)

// sum returns the hash of a script in the form of a policy.
func sum(script template.JS) string {
	digest := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}
