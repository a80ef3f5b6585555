//go:build unix

package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrLeased: another process works on this data directory.
var ErrLeased = errors.New("another ferry is working on this data directory: stop it, or use another FERRY_DATA_DIR")

// lease is an exclusive lock on the data directory. The kernel frees it when its holder dies.
type lease struct{ file *os.File }

func takeLease(dir string) (*lease, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lease"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLeased
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lease: %w", err), f.Close())
	}
	return &lease{f}, nil
}

func (l *lease) release() error { return l.file.Close() }
