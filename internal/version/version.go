// Package version says which version of this project a program was built from.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Module is the path of this project's module.
const Module = "github.com/seed-307b789f/xk6-llm"

// stamped is set by the linker (-X), as the Makefile does. The build information alone does not suffice: xk6 builds the
// checkout in place of a module without a version.
var stamped string

// unknown is the version of a program that was built without one.
const unknown = "(devel)"

// Version returns the version: a tag such as v0.2.0, or what `git describe` makes of a commit after it; "(devel)" if
// nothing is known.
var Version = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return of(stamped, info)
})

// Line returns the version as a program prints it, with Go's version and the platform.
func Line(program string) string {
	return fmt.Sprintf("%s %s (%s, %s/%s)", program, Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// of returns the stamped version, or else that of the module in the build information, which go install and
// xk6 build --with MODULE@VERSION leave there.
func of(stamped string, info *debug.BuildInfo) string {
	if stamped != "" || info == nil {
		return known(stamped)
	}
	if info.Main.Path == Module {
		return known(info.Main.Version)
	}
	for _, dep := range info.Deps {
		switch {
		case dep.Path != Module:
		case dep.Replace != nil: // the required version is not what was built
			return known(dep.Replace.Version)
		default:
			return known(dep.Version)
		}
	}
	return unknown
}

func known(version string) string {
	if version == "" {
		return unknown
	}
	return version
}
