package runtimes

import (
	"fmt"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// kind is one runtime: what people call it, what is taken when a source asks for no version, and where it comes from.
// Defaults are current long-term versions, kept below majors that change how things are called.
type kind struct {
	title    string
	fallback string // constraint
	provider func(*Cache) provider
}

var kinds = map[string]kind{
	paas.RuntimeNode: {"Node.js", fmt.Sprintf("^%d", contract.DefaultNode), func(c *Cache) provider { return node{c} }},
	paas.ManagerNPM:  {"npm", "<12", func(c *Cache) provider { return npmPackage{c, paas.ManagerNPM} }},
	paas.ManagerPNPM: {"pnpm", "^10", func(c *Cache) provider { return npmPackage{c, paas.ManagerPNPM} }},
	paas.ManagerYarn: {"yarn", "^1", func(c *Cache) provider { return npmPackage{c, paas.ManagerYarn} }},
	paas.ManagerUV:   {"uv", "*", func(c *Cache) provider { return uv{c} }},
	paas.RuntimeGo:   {"Go", "*", func(c *Cache) provider { return golang{c} }},

	paas.RuntimePython: {title: "Python"}, // ensurePython chooses among several providers
}

func (c *Cache) provider(name string) (provider, error) {
	k := kinds[name]
	if k.provider == nil {
		return nil, &paas.Error{Kind: paas.Internal, Msg: fmt.Sprintf("no runtime is called %q", name)}
	}
	return k.provider(c), nil
}

// title is how people write the name.
func title(name string) string {
	if k, ok := kinds[name]; ok {
		return k.title
	}
	return name
}
