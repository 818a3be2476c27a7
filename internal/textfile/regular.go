package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Regular returns nil for a regular file or a folder. For anything else it returns an error that names its kind:
// reading such a file may block, or never end.
func Regular(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular() || mode.IsDir():
		return nil
	case mode&fs.ModeNamedPipe != 0:
		return errors.New("is a pipe, which can be read only once: write it to a file and give that")
	case mode&fs.ModeSocket != 0:
		return errors.New("is a socket, not a file")
	case mode&fs.ModeDevice != 0:
		return errors.New("is a device, not a file")
	}
	return errors.New("is not a regular file")
}

// maxPiped is how many bytes are read from a pipe at most.
const maxPiped = 256 << 20

// ReadFile reads a regular file or a pipe, such as a shell's <(…) or /dev/stdin behind a |. It does not wait for a
// writer, and refuses devices and sockets.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil || info.Mode().IsRegular() || info.IsDir():
		return os.ReadFile(path) // also for the error of a path that cannot be read
	case info.Mode()&fs.ModeNamedPipe == 0:
		return nil, fmt.Errorf("%s %w", path, Regular(info))
	}
	// opening would otherwise block until there is a writer
	pipe, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = pipe.Close() }()
	text, err := io.ReadAll(io.LimitReader(pipe, maxPiped+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) == 0:
		return nil, fmt.Errorf("%s is a pipe that nothing is written to", path)
	case len(text) > maxPiped:
		return nil, fmt.Errorf("%s is a pipe with more than %d MiB in it", path, maxPiped>>20)
	}
	return text, nil
}
