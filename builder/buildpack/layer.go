package buildpack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// layer is a directory that becomes a layer of the image and nothing else: it is not restored and not seen by the
// next build. What it was made from is its key; while that is the same, the previous image's layer is used again and
// its content is never touched.
type layer struct {
	dir string
	key string
}

// unchanged is what the log says of dependencies whose layer is kept.
const unchanged = "dependencies are unchanged: those of the last release are used"

type layerTOML struct {
	Types struct {
		Launch bool `toml:"launch"`
		Build  bool `toml:"build"`
		Cache  bool `toml:"cache"`
	} `toml:"types"`
	Metadata map[string]string `toml:"metadata"`
}

func (b *build) layer(name, key string) layer { return layer{filepath.Join(b.Layers, name), key} }

// kept reports whether the previous image has this very layer.
func (l layer) kept() bool {
	var t layerTOML
	_, err := toml.DecodeFile(l.dir+".toml", &t)
	return err == nil && l.key != "" && t.Metadata["key"] == l.key
}

// reuse takes the previous image's layer.
func (l layer) reuse() error {
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("clearing a layer: %w", err)
	}
	return l.record()
}

// empty makes the directory anew. The layer counts only after record.
func (l layer) empty() error {
	if err := errors.Join(os.RemoveAll(l.dir), os.RemoveAll(l.dir+".toml")); err != nil {
		return fmt.Errorf("clearing a layer: %w", err)
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return fmt.Errorf("making a layer: %w", err)
	}
	return nil
}

// record tells the lifecycle that the layer belongs into the image.
func (l layer) record() error {
	var t layerTOML
	t.Types.Launch = true
	t.Metadata = map[string]string{"key": l.key}
	return writeTOML(l.dir+".toml", t)
}

func writeTOML(name string, v any) error {
	b, err := toml.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(name), err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(name), err)
	}
	return nil
}

// keyOf is a hash over parts, which may contain anything.
func keyOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// lineOf is the first places of a version: what is installed for one release of a line suits the others, and a new
// patch of a runtime need not cost every app its layers.
func lineOf(version string, places int) string {
	parts := strings.SplitN(version, ".", places+1)
	return strings.Join(parts[:min(places, len(parts))], ".")
}
