package buildpack

import (
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// The server of PHP apps: Apache and php-fpm side by side, watched by a small program.
var (
	//go:embed php/serve-php.py
	phpServer string
	//go:embed php/httpd.conf
	phpApache string
	//go:embed php/php-fpm.conf
	phpFPM string
	//go:embed php/php.ini
	phpINI string
)

// php installs what composer.json asks for, builds the assets and writes the server's layer.
func (b *build) php(ctx context.Context) error {
	if b.Plan.PackageManager == paas.ManagerComposer {
		if err := b.composer(ctx); err != nil {
			return err
		}
	}
	if err := b.assets(ctx); err != nil {
		return err
	}
	if err := b.adaptHtaccess(); err != nil {
		return err
	}
	if err := b.frontController(); err != nil {
		return err
	}
	if b.Plan.Framework == paas.FrameworkLaravel {
		b.launch.env("LOG_CHANNEL", "default", "stderr")
	}
	return b.phpLayer()
}

// composer installs the dependencies into vendor, which becomes a layer of its own.
func (b *build) composer(ctx context.Context) error {
	env := []string{
		"COMPOSER_HOME=" + b.cached("composer"),
		"COMPOSER_CACHE_DIR=" + b.cached("composer/cache"),
		"COMPOSER_NO_INTERACTION=1",
		"COMPOSER_MIRROR_PATH_REPOS=1",
		"COMPOSER_ROOT_VERSION=1.0.0",
	}
	args := []string{
		"install", "--no-dev", "--no-interaction", "--no-progress", "--prefer-dist", "--optimize-autoloader",
	}
	if b.Plan.Composer.OtherPHP {
		args = append(args, "--ignore-platform-req=php") // the page before the deploy has told of it
	}
	if b.Plan.Composer.AutoloadOnly { // no package to install: nothing is looked up
		args = []string{"dump-autoload", "--no-dev", "--optimize", "--no-interaction"}
	}
	b.path = append(b.path, filepath.Join(b.app, "vendor", "bin"))
	if err := b.do(ctx, command{
		title: "composer " + strings.Join(args, " "),
		path:  "/usr/bin/composer",
		args:  args,
		env:   env,
	}); err != nil {
		return err
	}
	b.launch.slices = append(b.launch.slices, []string{filepath.ToSlash(filepath.Join(b.Plan.Root, "vendor"))})
	return nil
}

// assets runs a front-end build with Node, whose modules do not go into the image. Without one only the build command
// runs.
func (b *build) assets(ctx context.Context) error {
	a := b.Plan.Assets
	if a == nil {
		return b.buildCommand(ctx)
	}
	n, err := b.openNode(a.PackageManager, a.DependencyFile)
	if err != nil {
		return err
	}
	if err := n.buildAll(ctx, true); err != nil {
		return err
	}
	if a.DependencyFile == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(n.top, "node_modules")); err != nil {
		return fmt.Errorf("removing node_modules: %w", err)
	}
	return nil
}

// frontController sends what is no file to index.php for frameworks that come without an .htaccess, as Symfony does.
func (b *build) frontController() error {
	root := filepath.Join(b.app, filepath.FromSlash(b.Plan.DocumentRoot))
	file := filepath.Join(root, ".htaccess")
	if b.Plan.Framework == "" || exists(file) || !exists(filepath.Join(root, "index.php")) {
		return nil
	}
	if err := os.WriteFile(file, []byte("FallbackResource /index.php\n"), 0o644); err != nil {
		return fmt.Errorf("writing .htaccess: %w", err)
	}
	return nil
}

// phpLayer holds the program serve-php and its settings. It is the same for all apps.
func (b *build) phpLayer() error {
	l := b.layer("php", keyOf(phpServer, phpApache, phpFPM, phpINI))
	if l.kept() {
		return l.reuse()
	}
	if err := l.empty(); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"bin/" + contract.PHPServer: phpServer,
		"etc/httpd.conf":            phpApache,
		"etc/php-fpm.conf":          phpFPM,
		"etc/php.ini":               phpINI,
	} {
		file := filepath.Join(l.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("making the PHP server's layer: %w", err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			return fmt.Errorf("writing the PHP server's layer: %w", err)
		}
	}
	return l.record()
}

const maxHtaccess = 200

// adaptHtaccess edits the image's copies of .htaccess files where this server differs from shared hosting: TLS ends
// before it, so that the variables which tell of it come from a header; and PHP's settings belong into .user.ini,
// since PHP is no module of Apache.
func (b *build) adaptHtaccess() error {
	left := maxHtaccess
	return filepath.WalkDir(b.app, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("reading the source: %w", err)
		case e.IsDir() && (e.Name() == "node_modules" || e.Name() == ".git"):
			return fs.SkipDir
		case e.Name() != ".htaccess" || !e.Type().IsRegular():
			return nil
		}
		if left--; left < 0 {
			return fs.SkipAll
		}
		return b.adaptOne(p)
	})
}

func (b *build) adaptOne(name string) error {
	text, err := readFile(name, maxManifestBytes)
	if err != nil {
		return err
	}
	edited, ini := adaptRules(string(text))
	rel, _ := filepath.Rel(b.app, name) // name is below app
	if edited != string(text) {
		b.say("%s is adapted: TLS ends before Apache, and PHP is no module of it", rel)
		if err := os.WriteFile(name, []byte(edited), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", rel, err)
		}
	}
	user := filepath.Join(filepath.Dir(name), ".user.ini")
	if ini == "" || exists(user) {
		return nil
	}
	if err := os.WriteFile(user, []byte(ini), 0o644); err != nil {
		return fmt.Errorf("writing .user.ini: %w", err)
	}
	return nil
}

var (
	tlsVariable = regexp.MustCompile(`%\{(HTTPS|SERVER_PORT|REQUEST_SCHEME)\}`)
	rewriteRule = regexp.MustCompile(`(?im)^[ \t]*Rewrite(?:Cond|Rule)[ \t].*$`)
	ownRedirect = regexp.MustCompile(`(?im)^([ \t]*RewriteRule[ \t]+(?:"[^"\n]*"|\S+)[ \t]+"?)(/[^/\s][^\n]*\[(?:[^\]\n]*,)?(?:R|redirect)(?:=[a-z0-9]+)?(?:,[^\]\n]*)?\])`)
	phpSetting  = regexp.MustCompile(`(?im)^[ \t]*php_(value|flag)[ \t]+([\w.]+)[ \t]+(?:"([^"\n]*)"|(\S+))[ \t]*\r?$`)
)

// adaptRules rewrites the variables of mod_rewrite's lines, lets redirects to paths keep the visitor's scheme, and
// collects PHP's settings in the form of .user.ini.
func adaptRules(text string) (edited, ini string) {
	edited = rewriteRule.ReplaceAllStringFunc(text, func(line string) string {
		return tlsVariable.ReplaceAllString(line, "%{ENV:EDGE_$1}")
	})
	edited = ownRedirect.ReplaceAllString(edited, "$1%{ENV:EDGE_REQUEST_SCHEME}://%{HTTP_HOST}$2")
	edited = phpSetting.ReplaceAllString(edited, "# in .user.ini: $0")
	for _, m := range phpSetting.FindAllStringSubmatch(text, -1) {
		value := m[3] + m[4]
		if strings.ContainsAny(value, "\"\\") {
			continue
		}
		ini += m[2] + " = \"" + value + "\"\n"
	}
	return edited, ini
}
