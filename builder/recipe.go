package builder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"

	"github.com/cloudsania/cloudsania/builder/lifecycle"
	"github.com/cloudsania/cloudsania/paas"
)

const builderName = "cloudsania/builder"

// The recipe of the images. Whatever changes here changes their names, and so they are made anew.
const (
	recipeVersion = 1
	suite         = "trixie"
	distroVersion = "13"
	buildUser     = 1000
	searchPath    = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

var (
	// baseInclude is what debootstrap adds to the minimal system.
	baseInclude = []string{"ca-certificates"}

	// runPackages are what apps of several languages need at run time: Python itself, and the libraries of drivers
	// and of C++ modules.
	runPackages = []string{
		"bash", "ca-certificates", "libatomic1", "libgomp1", "libmariadb3", "libpq5", "libstdc++6", "media-types",
		"netbase", "python3", "tzdata",
	}

	// buildPackages come on top of them where builds run.
	buildPackages = []string{
		"g++", "gcc", "git", "libffi-dev", "libmariadb-dev", "libpq-dev", "libssl-dev", "make", "pkg-config",
		"python3-dev", "unzip", "xz-utils", "zlib1g-dev",
	}
)

const maxPackages = 100

var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]{1,127}$`)

// images are the names of what one set of packages builds with.
type images struct {
	set       []string
	base      string
	run       string
	build     string
	lifecycle string
	builder   string
	runTag    string // of the run image in the registry
}

// runRepository holds the run images in the registry.
const runRepository = "run/debian"

// imagesFor computes the names for a set of packages; none is the default pair.
func (b *Builder) imagesFor(set []string) (images, error) {
	set = slices.Compact(slices.Sorted(slices.Values(set)))
	if len(set) > maxPackages {
		return images{}, &paas.Error{
			Kind: paas.Failed,
			Msg:  fmt.Sprintf("the app asks for %d system packages, more than %d", len(set), maxPackages),
		}
	}
	for _, p := range set {
		if !packageName.MatchString(p) {
			return images{}, &paas.Error{
				Kind: paas.Failed,
				Msg:  fmt.Sprintf("%q cannot be the name of a Debian package", paas.Clip(p, 60)),
			}
		}
	}
	base := sum("base", strconv.Itoa(recipeVersion), suite, runtime.GOARCH, strconv.Itoa(buildUser), treeRecipe, list(baseInclude))
	run := sum("run", base, list(runPackages), list(set))
	build := sum("build", base, list(runPackages), list(buildPackages), list(set))
	life := sum("lifecycle", lifecycle.Digest(), strconv.Itoa(buildUser))
	all := sum("builder", run, build, life, b.self.digest, descriptor, b.registry.Host())
	return images{
		set: set, base: "cloudsania/base:" + base, run: "cloudsania/run:" + run, build: "cloudsania/build:" + build,
		lifecycle: "cloudsania/lifecycle:" + life, builder: builderName + ":" + all, runTag: run,
	}, nil
}

// runRef is the run image's name in the registry.
func (b *Builder) runRef(i images) string {
	return b.registry.Host() + "/" + runRepository + ":" + i.runTag
}

func sum(parts ...string) string {
	j, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings only
	}
	h := sha256.Sum256(j)
	return hex.EncodeToString(h[:8])
}

func list(s []string) string {
	j, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings only
	}
	return string(j)
}

// imageConfig is what all our images share; who may run apps is not root.
func imageConfig(user string) paas.ImageConfig {
	id := strconv.Itoa(buildUser)
	return paas.ImageConfig{
		Env:  []string{"PATH=" + searchPath, "LANG=C.UTF-8", "CNB_USER_ID=" + id, "CNB_GROUP_ID=" + id},
		User: user,
		Labels: map[string]string{
			"io.buildpacks.base.distro.name": "debian", "io.buildpacks.base.distro.version": distroVersion,
		},
	}
}
