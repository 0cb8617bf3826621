package daemon

import (
	"path/filepath"
	"strings"
	"testing"
)

// The key is never in the directory that one would copy as a backup.
func TestKeyIsOutsideTheData(t *testing.T) {
	for _, data := range []string{DefaultData, "/srv/x", "/srv/x/", "rel/dir"} {
		if key := keyPath(data, ""); strings.HasPrefix(key, filepath.Clean(data)+"/") {
			t.Errorf("the key of %s is inside it: %s", data, key)
		}
	}
}
