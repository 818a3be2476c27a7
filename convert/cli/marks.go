package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-307b789f/xk6-llm/convert/run"
)

// markFlags name what happened during a run.
type markFlags struct {
	marks, files []string
	instants     []string // the marks with their times in full, once they were read
}

func (f *markFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.marks, "mark", nil, "something that happened during the run, as in '12:01:30 pod killed' "+
		"(local time), '+42s pod killed' (after the first start) or '2026-01-31T12:01:30Z pod killed'; repeat the "+
		"flag "+
		"for several")
	flags.StringArrayVar(&f.files, "marks", nil, "file of marks: lines such as {\"time\": \"2026-01-31T12:01:30Z\", "+
		"\"text\": \"pod killed\"}, or an export of Grafana's annotations")
}

// add adds the marks to a run. It prints on stderr how times of day were read, and how many marks of a file are not in
// the time of the run.
func (f *markFlags) add(cmd *cobra.Command, r *run.Run) error {
	if len(f.marks) == 0 && len(f.files) == 0 {
		return nil
	}
	reader, err := run.NewMarkReader(r, time.Local)
	if err != nil {
		return misuse("--mark, --marks: %w", err)
	}
	var marks []run.Mark
	for _, text := range f.marks {
		m, err := reader.Parse(text)
		if err != nil {
			return misuse("--mark %q: %w", text, err)
		}
		if r.Origin == "" {
			remark(cmd, []string{fmt.Sprintf("mark %q is at %s", m.Text, reader.Read(m))})
			text = time.Unix(0, m.At).UTC().Format(time.RFC3339Nano) + " " + m.Text
		}
		f.instants = append(f.instants, text)
		marks = append(marks, m)
	}
	for _, path := range f.files {
		read, err := readMarks(reader, path)
		if err != nil {
			return misuse("--marks %s: %w", path, err)
		}
		if read.Outside > 0 {
			remark(cmd, []string{fmt.Sprintf("%d of %d marks of %s are outside of the run, and left out: %s",
				read.Outside, read.Outside+len(read.Marks), path, reader.Span())})
		}
		marks = append(marks, read.Marks...)
	}
	if err := run.AddMarks(r, marks); err != nil {
		return misuse("--mark, --marks: %w", err)
	}
	return nil
}

func readMarks(reader *run.MarkReader, path string) (read run.MarksRead, err error) {
	f, err := os.Open(path)
	if err != nil {
		return read, err
	}
	defer func() { _ = f.Close() }()
	return reader.ReadFile(f)
}
