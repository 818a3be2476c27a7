// Command unpack makes the root file system of the container image for programs that do not import this module. It
// copies the project's files into a folder, and prints, as JSON, the layers and what the Dockerfile says about the
// process. bin/k6, bin/llmconv and the base (make deps) must be there.
//
//	go run ./internal/image/unpack /tmp/image
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/seed-307b789f/xk6-llm/internal/image"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/image/unpack FOLDER")
		os.Exit(2)
	}
	if err := unpack(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// description tells a program how to run a container of the image.
type description struct {
	Layers     []string // folders, topmost first
	Env        []string
	Entrypoint []string
	User       string
	Directory  string
}

func unpack(dir string) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	stage, err := image.LastStage(root)
	if err != nil {
		return err
	}
	base := stage.Base(root)
	if _, err := os.Stat(base.Dir); err != nil {
		return fmt.Errorf("no Debian with the image's packages (run make deps as root): %w", err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), stage.CopyFiles(root, dir)); err != nil {
		return err
	}
	d := description{Layers: []string{dir, base.Dir}, Env: stage.Env(), User: stage.Last("USER"),
		Directory: stage.Last("WORKDIR")}
	if err := json.Unmarshal([]byte(stage.Last("ENTRYPOINT")), &d.Entrypoint); err != nil {
		return fmt.Errorf("ENTRYPOINT of the Dockerfile: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(d)
}
