package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Regular is nil of a regular file and of a folder. Of what else a path may name it is an error that says what: reading
// it may wait, or never end.
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

// maxPiped bounds what is read of a pipe, in bytes.
const maxPiped = 256 << 20

// ReadFile reads a regular file, or what is written into a pipe, such as a shell's <(…) or /dev/stdin behind a |. It
// waits for no writer, and refuses devices and sockets.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil || info.Mode().IsRegular() || info.IsDir():
		return os.ReadFile(path) // which gives the error, too
	case info.Mode()&fs.ModeNamedPipe == 0:
		return nil, fmt.Errorf("%s %w", path, Regular(info))
	}
	pipe, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // else opening would wait for a writer
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
