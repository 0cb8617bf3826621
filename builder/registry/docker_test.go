package registry

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// The registry as the Docker engine sees it: pushed to with a build's grant, pulled from by digest. What a grant may
// not do is in TestRights: the engine tries a refused push five times, for a minute.
func TestDockerPushPull(t *testing.T) {
	if os.Getenv("CLOUDSANIA_TEST_DOCKER") != "1" {
		t.Skip("set CLOUDSANIA_TEST_DOCKER=1 to run against a real engine")
	}
	ctx := context.Background()
	r := open(t, t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	docker := func(args ...string) (string, error) {
		out, err := exec.Command("docker", args...).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := docker(args...)
		if err != nil {
			t.Fatalf("docker %v: %v\n%s", args, err, out)
		}
		return out
	}
	login := func(auth paas.RegistryAuth) {
		t.Helper()
		must("login", "-u", auth.User, "-p", auth.Password.Reveal(), r.Host())
	}
	app := paas.NewID("app")
	ref := r.Host() + "/" + Repository(app) + ":v1"
	tar := exec.Command("tar", "-c", "-f", "-", "registry.go")
	pipe, err := tar.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	load := exec.Command("docker", "import", "-", ref)
	load.Stdin = pipe
	if err := tar.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _, _ = docker("rmi", "-f", ref) })
	if out, err := docker("push", ref); err == nil {
		t.Errorf("pushed without credentials: %s", out)
	}
	grant, revoke, err := r.Grant(ctx, app)
	if err != nil {
		t.Fatal(err)
	}
	login(grant)
	must("push", ref)
	revoke()

	digest, err := r.Digest(ctx, Repository(app), "v1")
	if err != nil {
		t.Fatal(err)
	}
	must("rmi", ref)
	login(r.Pull())
	byDigest := r.Host() + "/" + Repository(app) + "@" + digest
	t.Cleanup(func() { _, _ = docker("rmi", "-f", byDigest) })
	must("pull", byDigest)
	if got := must("inspect", "--format", "{{index .RepoDigests 0}}", byDigest); got != byDigest {
		t.Errorf("pulled %q", got)
	}
}
