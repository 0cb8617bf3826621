package runtimes

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb"

	"github.com/cloudsania/cloudsania/paas"
)

// The public checksum database's name and key, as the go command has them. Its answers are proved by signed tree
// heads: the proxy that passes them on need not be trusted.
const (
	sumDBName = "sum.golang.org"
	sumDBKey  = sumDBName + "+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
)

// moduleSum looks a module's h1: sum up.
func (c *Cache) moduleSum(ctx context.Context, module, version string) (string, error) {
	what := fmt.Sprintf("the checksum of %s %s", module, version)
	lines, err := sumdb.NewClient(&sumOps{
		ctx:  ctx,
		c:    c,
		what: what,
		dir:  filepath.Join(c.dir, ".sumdb"),
	}).Lookup(module, version)
	if err != nil {
		return "", &paas.Error{
			Kind: paas.Unavailable,
			Msg:  what + " could not be looked up in the Go checksum database",
			Hint: "the module proxy must pass the checksum database on (/sumdb/); try again, or set another one",
			Err:  err,
		}
	}
	for _, l := range lines {
		if sum, ok := strings.CutPrefix(l, module+" "+version+" "); ok {
			return sum, nil
		}
	}
	return "", &paas.Error{Kind: paas.Unavailable, Msg: what + " is not in the Go checksum database"}
}

// sumOps implements sumdb.ClientOps over the module proxy, keeping the newest signed tree head on disk: the database
// cannot go back.
type sumOps struct {
	ctx  context.Context
	c    *Cache
	what string
	dir  string
	mu   sync.Mutex // the client calls from several goroutines
}

func (o *sumOps) ReadRemote(name string) ([]byte, error) {
	proxy, err := o.c.goProxy(o.ctx)
	if err != nil {
		return nil, err
	}
	return o.c.document(o.ctx, o.what, proxy+"/sumdb/"+sumDBName+name, "")
}

func (o *sumOps) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(sumDBKey), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	b, err := os.ReadFile(filepath.Join(o.dir, path.Base(file)))
	if os.IsNotExist(err) {
		return nil, nil // the client begins with an empty tree
	}
	return b, err
}

func (o *sumOps) WriteConfig(file string, old, text []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := filepath.Join(o.dir, path.Base(file))
	now, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if string(now) != string(old) {
		return sumdb.ErrWriteConflict
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// ReadCache and WriteCache: a look-up per version of Go needs no cache.
func (o *sumOps) ReadCache(string) ([]byte, error) { return nil, os.ErrNotExist }
func (o *sumOps) WriteCache(string, []byte)        {}

func (o *sumOps) Log(msg string) { o.c.log.Debug("checksum database", "msg", msg) }

func (o *sumOps) SecurityError(msg string) {
	o.c.log.Error("the Go checksum database contradicts itself", "msg", msg)
}
