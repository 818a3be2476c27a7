package image

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Base is the folder of Debian with what the RUN lines of the Dockerfile's last stage add to it.
type Base struct {
	Dir    string
	debian string
	runs   []string
}

// LastStage returns the last stage of the Dockerfile of the repository at root.
func LastStage(root string) (Stage, error) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		return Stage{}, err
	}
	list := Stages(string(text))
	return list[len(list)-1], nil
}

// Base returns the base of a stage. Its folder, below .deps of root, has a hash of the RUN lines in its name; it need
// not be there yet.
func (s Stage) Base(root string) Base {
	runs := s.All("RUN")
	debian := filepath.Join(root, ".deps", "image", "bookworm")
	sum := sha256.Sum256([]byte(strings.Join(runs, "\n")))
	return Base{fmt.Sprintf("%s-%x", debian, sum[:6]), debian, runs}
}

// Make makes the folder from Debian's mirror, unless it is there.
func (b Base) Make() error {
	if err := makeOnce(b.debian, func(dir string) error {
		return command("timeout", "240", "debootstrap", "--variant=minbase", "bookworm", dir)
	}); err != nil {
		return err
	}
	return makeOnce(b.Dir, func(dir string) error {
		if err := command("cp", "-a", b.debian+"/.", dir); err != nil {
			return err
		}
		for _, line := range b.runs {
			if err := command("chroot", dir, "/bin/sh", "-c", line); err != nil {
				return err
			}
		}
		return nil
	})
}

// makeOnce makes a directory, either whole or not at all.
func makeOnce(dir string, fill func(dir string) error) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	half, err := os.MkdirTemp(filepath.Dir(dir), "half-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(half) }()
	if err := errors.Join(os.Chmod(half, 0o755), fill(half)); err != nil {
		return err
	}
	if err := os.Rename(half, dir); err != nil && !errors.Is(err, os.ErrExist) { // another process was faster
		return err
	}
	return nil
}

// command runs a command to its end.
func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return nil
}

// CopyFiles puts into dir what the stage copies from the repository at root: its folders and the programs in bin.
func (s Stage) CopyFiles(root, dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, args := range s.All("COPY") {
		words := strings.Fields(args)
		to := filepath.Join(dir, words[len(words)-1])
		for _, source := range words[:len(words)-1] {
			if strings.HasPrefix(source, "--from=") {
				continue
			}
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			if err := copyTo(filepath.Join(root, strings.TrimPrefix(source, "/src/")), to); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyTo copies as COPY does: it copies the contents of a folder, not the folder.
func copyTo(source, to string) error {
	if info, err := os.Stat(source); err != nil || info.IsDir() {
		return errors.Join(err, command("cp", "-r", source+"/.", to))
	}
	return command("cp", source, to)
}
