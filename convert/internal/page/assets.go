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
	pageScript   = template.JS("\n" + pageJS)
	// The licence asks to be with every copy.
	libraryScript = template.JS("\n/*\n" + strings.TrimSpace(uplotLicence) + "\n*/\n" + uplotJS)

	// policy lets nothing be loaded and nothing be run but the two scripts of the page, known by their sums.
	policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src " + sum(libraryScript) + " " +
		sum(pageScript) + "; base-uri 'none'; form-action 'none'"
)

// sum is how a policy names a script.
func sum(script template.JS) string {
	digest := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}
