package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/disk"
)

// made is what this installation has made, so that it can remove what it no longer uses, and nothing else.
type made struct {
	Sets    [][]string `json:"sets"` // of packages, the default's empty one included
	Images  []string   `json:"images"`
	RunTags []string   `json:"run_tags"` // in the registry
}

func madeFile(data string) string { return filepath.Join(data, "builder", "made.json") }

// MadeBuilders names the builder images that the installation in the directory data has made. The base images below
// them are shared by all installations of the machine.
func MadeBuilders(data string) ([]string, error) {
	m, err := readMade(data)
	return slices.DeleteFunc(m.Images, func(ref string) bool { return !strings.HasPrefix(ref, builderName+":") }), err
}

func (b *Builder) readMade() (made, error) { return readMade(b.data) }

func readMade(data string) (made, error) {
	var m made
	text, err := os.ReadFile(madeFile(data))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return made{}, fmt.Errorf("read the list of images made: %w", err)
	}
	return m, nil
}

func (b *Builder) writeMade(m made) error {
	text, err := json.Marshal(m)
	if err == nil {
		err = disk.WriteFile(madeFile(b.data), text)
	}
	if err != nil {
		return fmt.Errorf("write the list of images made: %w", err)
	}
	return nil
}

func (i images) refs(registryRef string) []string {
	return []string{i.base, i.run, i.build, i.lifecycle, i.builder, registryRef}
}

// recordMade adds a set and its images to the list. It is called with b.making held.
func (b *Builder) recordMade(i images) error {
	m, err := b.readMade()
	if err != nil {
		b.log.Warn("the list of images made is unreadable and begins anew", "err", err)
	}
	if !slices.ContainsFunc(m.Sets, func(s []string) bool { return slices.Equal(s, i.set) }) {
		m.Sets = append(m.Sets, i.set)
	}
	for _, ref := range i.refs(b.runRef(i)) {
		if !slices.Contains(m.Images, ref) {
			m.Images = append(m.Images, ref)
		}
	}
	if !slices.Contains(m.RunTags, i.runTag) {
		m.RunTags = append(m.RunTags, i.runTag)
	}
	return b.writeMade(m)
}

// removeOld removes images of older binaries and recipes. Sets of packages that were used are kept where they would
// be made the same way again.
func (b *Builder) removeOld(ctx context.Context) {
	select {
	case b.making <- struct{}{}:
		defer func() { <-b.making }()
	case <-ctx.Done():
		return
	}
	m, err := b.readMade()
	if err != nil {
		b.log.Warn("old images stay", "err", err)
		return
	}
	var refs, tags []string
	for _, set := range m.Sets {
		i, err := b.imagesFor(set)
		if err != nil {
			continue // a rule has become stricter
		}
		refs, tags = append(refs, i.refs(b.runRef(i))...), append(tags, i.runTag)
	}
	left := made{Sets: m.Sets}
	for _, ref := range slices.Backward(m.Images) { // later ones come from earlier ones
		if !slices.Contains(refs, ref) {
			err := b.engine.RemoveImage(ctx, ref)
			if err == nil {
				continue
			}
			b.log.Warn("an old image stays", "image", ref, "err", err)
		}
		left.Images = append(left.Images, ref)
	}
	slices.Reverse(left.Images)
	for _, tag := range m.RunTags {
		if !slices.Contains(tags, tag) {
			err := b.registry.Untag(ctx, runRepository, tag)
			if err == nil {
				continue
			}
			b.log.Warn("an old run image stays", "tag", tag, "err", err)
		}
		left.RunTags = append(left.RunTags, tag)
	}
	if err := b.writeMade(left); err != nil {
		b.log.Warn("could not keep the list of images", "err", err)
	}
	b.askForCollection()
}
