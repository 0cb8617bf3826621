package buildpack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// manifest is what a build reads of a package.json.
type manifest struct {
	Scripts map[string]string
	raw     map[string]json.RawMessage
}

const maxManifestBytes = 1 << 20

func readManifest(name string) (m manifest, err error) {
	b, err := readFile(name, maxManifestBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return m, &paas.Error{
			Kind: paas.Invalid,
			Msg:  "the source has no package.json where one was expected",
			Hint: "correct the root directory in the app's settings",
			Err:  err,
		}
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m.raw); err != nil {
		return m, fmt.Errorf("reading %s: %w", name, err)
	}
	var scripts map[string]any
	_ = json.Unmarshal(m.raw["scripts"], &scripts)
	m.Scripts = map[string]string{}
	for k, v := range scripts {
		if s, ok := v.(string); ok {
			m.Scripts[k] = s
		}
	}
	return m, nil
}

// installScripts are the scripts of the project itself that an install runs: what they do depends on its source.
var installScripts = []string{
	"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare",
}

func (m manifest) hasInstallScripts() bool {
	return slices.ContainsFunc(installScripts, func(s string) bool { return m.Scripts[s] != "" })
}

// local reports whether dependencies are directories of the source: their links do not survive a move of node_modules.
func (m manifest) local() bool {
	if w := strings.TrimSpace(string(m.raw["workspaces"])); w != "" && w != "null" && w != "[]" {
		return true
	}
	for _, kind := range []string{"dependencies", "devDependencies", "optionalDependencies"} {
		var deps map[string]any
		_ = json.Unmarshal(m.raw[kind], &deps)
		for _, v := range deps {
			s, _ := v.(string)
			for _, prefix := range []string{"file:", "link:", "portal:", "workspace:", "./", "../"} {
				if strings.HasPrefix(s, prefix) {
					return true
				}
			}
		}
	}
	return false
}

func (m manifest) depends(name string) bool {
	for _, kind := range []string{"dependencies", "devDependencies", "optionalDependencies"} {
		var deps map[string]json.RawMessage
		_ = json.Unmarshal(m.raw[kind], &deps)
		if deps[name] != nil {
			return true
		}
	}
	return false
}
