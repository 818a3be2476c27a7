package llm

import (
	"os"
	"path"

	"github.com/grafana/sobek"

	"github.com/seed-307b789f/xk6-llm/llm/internal/commandline"
)

// checkSettings refuses misspelt names among those given by -e, and warns of others that the script does not read.
// Before the first Client the sources of the script are loaded, and nothing has been sent.
func (m *ModuleInstance) checkSettings() error {
	env, names := m.vu.InitEnv(), commandline.Env(os.Args)
	if env == nil || names == nil {
		return nil
	}
	script := scriptName(m.vu.Runtime())
	unread, err := m.root.settings.Check(names, script, env.FileSystems["file"])
	for _, name := range unread {
		env.Logger.Warnf("%s, given by -e, has no effect: %s reads no such name", name, script)
	}
	return err
}

// scriptName returns the name of the file whose code runs outermost.
func scriptName(rt *sobek.Runtime) string {
	name := "this script"
	for _, frame := range rt.CaptureCallStack(0, nil) {
		if source := frame.SrcName(); source != "" && source != "<native>" {
			name = path.Base(source)
		}
	}
	return name
}
