package output

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/seed-307b789f/xk6-llm/internal/storage"
)

// spool keeps the records in a file until the end, when it becomes the object that was asked for: objects cannot grow.
// It checks now that this will be possible.
func (o *Output) spool() error {
	if err := storage.Vacant(context.Background(), o.path); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "k6-llm-records-")
	if err != nil {
		return fmt.Errorf("directory of the records until they are stored: %w", err)
	}
	o.object, o.path = o.path, filepath.Join(dir, path.Base(o.path))
	return nil
}

// store makes the object from the file, which it then removes. If that fails, the file stays and the error names it.
func (o *Output) store() error {
	if o.object == "" {
		return nil
	}
	if err := storage.Store(context.Background(), o.object, o.path); err != nil {
		return fmt.Errorf("%w; the records stay in %s", err, o.path)
	}
	o.log.Infof("records stored in %s", o.object)
	return os.RemoveAll(filepath.Dir(o.path))
}
