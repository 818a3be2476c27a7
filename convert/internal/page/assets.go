package page

import (
	_ "embed" // for the files below
	"html/template"
	"strings"

	"github.com/seed-307b789f/xk6-llm/convert/internal/look"
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
	pageStyle    = template.CSS(uplotCSS + "\n" + look.Base + pageCSS)
	pageScript   = template.JS("\n" + pageJS + "\n" + lanesJS)
	// The licence must accompany every copy.
	libraryScript = template.JS("\n/*\n" + strings.TrimSpace(uplotLicence) + "\n*/\n" + uplotJS)

	policy = look.Policy(libraryScript, pageScript)
)
