package output

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
)

// disk is a file on a disk that has trouble at its first write.
type disk struct {
	*os.File
	stalls time.Duration // how long the first write takes
	fullTo time.Time     // until then there is room for half a write only
}

func (d *disk) Write(p []byte) (int, error) {
	time.Sleep(d.stalls)
	d.stalls = 0
	if time.Now().Before(d.fullTo) {
		n, _ := d.File.Write(p[:len(p)/2])
		return n, errors.New("no space left on device")
	}
	return d.File.Write(p)
}

// troubled returns a writer to a file on a disk with trouble.
func troubled(t *testing.T, d disk) (*writer, *logtest.Hook, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.jsonl")
	f, err := create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	d.File = f.f
	f.out = &d
	log, hook := logtest.NewNullLogger()
	return startWriter(f, log), hook, path
}

// messages joins what was logged, without the path.
func messages(hook *logtest.Hook, path string) string {
	var all []string
	for _, e := range hook.AllEntries() {
		all = append(all, e.Level.String()+": "+strings.ReplaceAll(e.Message, path, "run.jsonl"))
	}
	return strings.Join(all, "\n")
}

// putEverySecond puts a line every second, in which put must not wait, and returns all lines.
func putEverySecond(t *testing.T, w *writer, seconds int) (want string) {
	t.Helper()
	for i := range seconds {
		b := linesOf(strconv.Itoa(i))
		b.made = time.Now()
		want += string(b.text)
		w.put(b)
		w.tell()
		if waited := time.Since(b.made); waited != 0 {
			t.Errorf("line %d waited for %v", i, waited)
		}
		time.Sleep(time.Second)
	}
	return want
}

// A disk that stalls is told once. Nothing waits for it but the end, and nothing is lost.
func TestDiskThatStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, hook, path := troubled(t, disk{stalls: 30 * time.Second})
		want := putEverySecond(t, w, 20)
		begun := time.Now()
		err := errors.Join(w.finish(linesOf("end")), w.file.close())
		if waited := time.Since(begun); err != nil || waited != 10*time.Second {
			t.Errorf("the end took %v, want the rest of the stall (%v)", waited, err)
		}
		if got, _ := os.ReadFile(path); string(got) != want+"end\n" {
			t.Errorf("got %q", got)
		}
		const told = "warning: the disk of run.jsonl is slow: it is 5s behind the load, and 0.0 MB of records wait " +
			"in memory. The load and the times in the records do not suffer, but above 256 MB records are lost\n" +
			"info: the end of the test waits for the disk: 0.0 MB of records are not in run.jsonl yet"
		if got := messages(hook, path); got != told {
			t.Errorf("logged %s", got)
		}
	})
}

// A disk that is full for a while is told once, and has all lines in the end.
func TestDiskThatIsFullForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, hook, path := troubled(t, disk{fullTo: time.Now().Add(10 * time.Second)})
		want := putEverySecond(t, w, 20)
		if err := errors.Join(w.finish(linesOf("end")), w.file.close()); err != nil {
			t.Error(err)
		}
		if got, _ := os.ReadFile(path); string(got) != want+"end\n" {
			t.Errorf("got %q", got)
		}
		const told = "error: records are not being written to run.jsonl; what fits in memory is kept and tried again"
		if got := messages(hook, path); got != told {
			t.Errorf("logged %s", got)
		}
	})
}

// A disk that is full to the end fails the run, whose lines that have no room are counted.
func TestDiskThatStaysFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := troubled(t, disk{fullTo: time.Now().Add(time.Hour)})
		putEverySecond(t, w, 20)
		begun := time.Now()
		if err := w.finish(linesOf("end")); err == nil || time.Since(begun) != 0 {
			t.Errorf("got %v after %v", err, time.Since(begun))
		}
		// The first is in the file or in its buffer.
		if w.lost != 20 {
			t.Errorf("%d lines are lost, want 20", w.lost)
		}
		_ = w.file.f.Close()
	})
}

// Above the bound on memory lines are lost, which is told once and counted. The last line is written all the same.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, hook, path := troubled(t, disk{stalls: time.Minute})
		w.most = 8
		want := ""
		for i := range 4 {
			b := linesOf(strconv.Itoa(i), "x")
			b.made = time.Now()
			w.put(b)
			if i < 2 {
				want += string(b.text)
			}
		}
		if err := errors.Join(w.finish(linesOf("end")), w.file.close()); err != nil || w.lost != 4 {
			t.Errorf("%d lines are lost, want 4 (%v)", w.lost, err)
		}
		if got, _ := os.ReadFile(path); string(got) != want+"end\n" {
			t.Errorf("got %q", got)
		}
		const told = "error: 0.0 MB of records wait for the disk of run.jsonl: from now on records are lost, and the " +
			"run fails\ninfo: the end of the test waits for the disk: 0.0 MB of records are not in run.jsonl yet"
		if got := messages(hook, path); got != told {
			t.Errorf("logged %s", got)
		}
	})
}

func TestErrorsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	log, hook := logtest.NewNullLogger()
	w := &writer{log: log}
	for _, err := range []error{errors.New("disk full"), errors.New("disk full"), nil, errors.New("disk full")} {
		w.report(err)
	}
	if n := len(hook.AllEntries()); n != 2 || hook.LastEntry().Level != logrus.ErrorLevel {
		t.Errorf("%d entries, want one for each series of errors", n)
	}
}
