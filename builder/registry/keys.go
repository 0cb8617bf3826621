package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
)

// user is what every credential signs in as: the password alone decides.
const user = "cloudsania"

// rights of one password. Repositories are whole names; a trailing slash in read means "everything below".
type rights struct {
	all   bool     // may write everywhere
	write string   // may write (and read) this repository
	read  []string // may read these
}

// keyring maps passwords, by their hash so that a look-up tells nothing by its time, to rights.
type keyring struct {
	push, pull paas.Secret
	mu         sync.RWMutex
	byHash     map[[sha256.Size]byte]rights
}

func newKeyring() (*keyring, error) {
	k := &keyring{push: newPassword(), pull: newPassword(), byHash: map[[sha256.Size]byte]rights{}}
	k.add(k.push, rights{all: true})
	k.add(k.pull, rights{read: []string{"apps/", "run/"}})
	return k, nil
}

// Pull are credentials to read everything, for the Docker engine.
func (r *Registry) Pull() paas.RegistryAuth {
	return paas.RegistryAuth{User: user, Password: r.keys.pull}
}

// Push runs fn with credentials that may write everything; no garbage is collected meanwhile.
func (r *Registry) Push(ctx context.Context, fn func(paas.RegistryAuth) error) error {
	if err := r.writers.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("wait for the registry's clean-up: %w", err)
	}
	defer r.writers.Release(1)
	return fn(paas.RegistryAuth{User: user, Password: r.keys.push})
}

// Grant makes credentials for one build: it may write the repository of app and read run images. They end with the
// call of revoke, which is safe to repeat. No garbage is collected in between.
func (r *Registry) Grant(ctx context.Context, app string) (auth paas.RegistryAuth, revoke func(), err error) {
	if !paas.IsID("app", app) {
		return auth, nil, fmt.Errorf("no repository for %q", app)
	}
	if err := r.writers.Acquire(ctx, 1); err != nil {
		return auth, nil, fmt.Errorf("wait for the registry's clean-up: %w", err)
	}
	auth = paas.RegistryAuth{User: user, Password: newPassword()}
	r.keys.add(auth.Password, rights{write: Repository(app), read: []string{"run/"}})
	return auth, sync.OnceFunc(func() {
		r.keys.drop(auth.Password)
		r.writers.Release(1)
	}), nil
}

// Repository is the name of an app's repository.
func Repository(app string) string { return "apps/" + app }

func (k *keyring) add(password paas.Secret, what rights) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byHash[sha256.Sum256([]byte(password.Reveal()))] = what
}

func (k *keyring) drop(password paas.Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byHash, sha256.Sum256([]byte(password.Reveal())))
}

func (k *keyring) find(password string) (rights, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	r, ok := k.byHash[sha256.Sum256([]byte(password))]
	return r, ok
}

func (k *keyring) knows(password string) bool {
	_, ok := k.find(password)
	return ok
}

func (k *keyring) allows(password string, q *http.Request) bool {
	r, ok := k.find(password)
	return ok && r.allow(q)
}

// resource is strict on purpose: exactly the addresses that pushes and pulls of our repositories use, so that
// distribution's router cannot read another repository's name out of the same path.
var resource = regexp.MustCompile(`^/v2/((?:apps|run)/[a-z0-9]+(?:[._-][a-z0-9]+)*)/` +
	`(?:manifests/[A-Za-z0-9_][A-Za-z0-9_.:-]*|blobs/sha256:[a-f0-9]{64}|blobs/uploads/[A-Za-z0-9_-]*|tags/list|referrers/sha256:[a-f0-9]{64})$`)

func (r rights) allow(q *http.Request) bool {
	if r.all {
		return true
	}
	if q.URL.RawPath != "" { // an encoded slash: ours never need one
		return false
	}
	if q.URL.Path == "/v2/" {
		return true
	}
	m := resource.FindStringSubmatch(q.URL.Path)
	if m == nil {
		return false
	}
	switch q.Method {
	case http.MethodGet, http.MethodHead:
		return r.canRead(m[1])
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return m[1] == r.write && r.canMount(q)
	}
	return false
}

func (r rights) canRead(repository string) bool {
	if repository == r.write {
		return true
	}
	for _, p := range r.read {
		if strings.HasPrefix(repository, p) {
			return true
		}
	}
	return false
}

// canMount: "mount=<digest>&from=<repository>" takes a blob of another repository over, which reads it.
func (r rights) canMount(q *http.Request) bool {
	for _, from := range q.URL.Query()["from"] {
		if !r.canRead(from) {
			return false
		}
	}
	return !strings.HasPrefix(q.Header.Get("Content-Type"), "application/x-www-form-urlencoded") // FormValue would look there as well
}

func newPassword() paas.Secret {
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand does not fail
	}
	return paas.NewSecret(hex.EncodeToString(b[:]))
}
