package jira

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// Directories that cannot be synced, as some file systems say with EINVAL, are no
// reason to do without tokens that are in their file.
func TestDirectoriesThatCannotBeSynced(t *testing.T) {
	const odd = "/proc"
	d, err := os.Open(odd)
	if err != nil {
		t.Skip("this system has no directory that is known to refuse to be synced")
	}
	defer d.Close()
	if !errors.Is(d.Sync(), syscall.EINVAL) {
		t.Skip("this system has no directory that is known to refuse to be synced")
	}
	if err := syncDir(odd); err != nil {
		t.Errorf("syncDir(%s) = %v, want nil", odd, err)
	}
}
