package detect

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// PHPPackages are the Debian packages that every PHP app is built and run with: Apache, php-fpm, composer and the
// usual extensions. Apps that ask for further extensions add theirs.
var PHPPackages = []string{"apache2", "composer", "php-apcu", "php-bcmath", "php-cli", "php-curl", "php-fpm", "php-gd", "php-intl", "php-mbstring",
	"php-mysql", "php-pgsql", "php-redis", "php-soap", "php-sqlite3", "php-xml", "php-zip", "unzip"}

// PHPVersion is the PHP of the base images' Debian release.
const PHPVersion = "8.4"

// extensionPackages are the Debian packages of extensions that are not in PHPPackages.
var extensionPackages = map[string]string{"amqp": "php-amqp", "bz2": "php-bz2", "ds": "php-ds", "enchant": "php-enchant", "excimer": "php-excimer", "gmp": "php-gmp",
	"gnupg": "php-gnupg", "http": "php-http", "igbinary": "php-igbinary", "imagick": "php-imagick", "interbase": "php-interbase", "ldap": "php-ldap",
	"mailparse": "php-mailparse", "memcached": "php-memcached", "mongodb": "php-mongodb", "msgpack": "php-msgpack", "oauth": "php-oauth", "odbc": "php-odbc", "pdo_odbc": "php-odbc",
	"raphf": "php-raphf", "rrd": "php-rrd", "snmp": "php-snmp", "solr": "php-solr", "ssh2": "php-ssh2", "stomp": "php-stomp", "tidy": "php-tidy", "uuid": "php-uuid",
	"yaml": "php-yaml", "zmq": "php-zmq"}

// builtinExtensions come with PHPPackages.
var builtinExtensions = strings.Fields(`apcu bcmath calendar core ctype curl date dom exif ffi fileinfo filter ftp gd gettext hash iconv intl json libxml mbstring mysqli
	mysqlnd openssl pcntl pcre pdo pdo_mysql pdo_pgsql pdo_sqlite pgsql phar posix random readline redis reflection session shmop simplexml soap sockets sodium spl
	sqlite3 standard sysvmsg sysvsem sysvshm tokenizer xml xmlreader xmlwriter xsl zend-opcache opcache zip zlib`)

var phpFrameworks = []struct{ dep, name string }{
	{"laravel/framework", paas.FrameworkLaravel}, {"laravel/lumen-framework", "Lumen"}, {"statamic/cms", "Statamic"}, {"symfony/framework-bundle", "Symfony"}, {"slim/slim", "Slim"},
	{"cakephp/cakephp", "CakePHP"}, {"codeigniter4/framework", "CodeIgniter"}, {"yiisoft/yii2", "Yii"}, {"drupal/core-recommended", "Drupal"},
	{"drupal/core", "Drupal"}, {"craftcms/cms", "Craft CMS"}, {"roots/wordpress", "WordPress (Bedrock)"}, {"getkirby/cms", "Kirby"}, {"mezzio/mezzio", "Mezzio"},
}

// documentRoots are the directories whose index.php is served instead of the source's own.
var documentRoots = []string{"public", "web", "webroot", "public_html", "htdocs", "html", "www", "docroot", "pub"}

var phpLanguage = language{
	name:    paas.LanguagePHP,
	present: (*detection).isPHP,
	plan:    func(d *detection) error { return d.php(d.pkg) },
}

// isPHP: a package.json beside stray scripts is a Node project's, unless composer.json or an index.php say otherwise.
func (d *detection) isPHP() bool {
	hasPackageJSON := d.pkg != nil
	if d.documentRoot() != "" {
		return true
	}
	if d.file("composer.json") && (!hasPackageJSON || d.file("artisan")) {
		return true
	}
	return !hasPackageJSON && !d.isGo() && !d.isPython() && d.siteDir() == "" && len(d.find(1, isPHPFile)) > 0
}

func isPHPFile(name string) bool { return strings.HasSuffix(name, ".php") }

// documentRoot is the directory with an index.php that visitors should reach, or "".
func (d *detection) documentRoot() string {
	if dir := d.herokuRoot(); dir != "" {
		return dir
	}
	for _, dir := range documentRoots {
		if d.file(path.Join(dir, "index.php")) {
			return dir
		}
	}
	if d.file("index.php") {
		return "."
	}
	return ""
}

func (d *detection) php(pkg *packageJSON) error {
	p := &d.plan
	p.Language, p.Packages = paas.LanguagePHP, slices.Clone(PHPPackages)
	if p.DocumentRoot = d.documentRoot(); p.DocumentRoot == "" {
		p.DocumentRoot = "."
	}
	index := path.Join(p.DocumentRoot, "index.php")
	switch {
	case d.file(index):
		d.fact(index, "PHP, served by Apache and php-fpm from %q", p.DocumentRoot)
	case d.file("composer.json"):
		d.fact("composer.json", "PHP, served by Apache and php-fpm")
	default:
		d.fact(d.find(1, isPHPFile)[0], "PHP, served by Apache and php-fpm")
	}
	if d.file(path.Join(p.DocumentRoot, ".htaccess")) {
		d.fact(path.Join(p.DocumentRoot, ".htaccess"), "its rules are followed")
	}
	if err := d.composer(); err != nil {
		return err
	}
	d.wordpress()
	if pkg != nil && pkg.Scripts["build"] != "" {
		node := d.nodeVersion(pkg)
		install, dependencies, manager := p.Install, p.DependencyFile, p.PackageManager
		if err := d.nodeManager(pkg, node); err != nil {
			return err
		}
		p.BuildCommand = p.PackageManager + " run build"
		d.fact("package.json", "assets: %s (%s)", p.BuildCommand, pkg.Scripts["build"])
		p.Assets = &paas.Assets{PackageManager: p.PackageManager, DependencyFile: p.DependencyFile, Install: p.Install}
		p.Install, p.DependencyFile, p.PackageManager = install, dependencies, manager
	}
	if !d.procfileWebIsOwn() {
		d.start("", contract.PHPServer+" "+p.DocumentRoot)
	}
	return nil
}

// composer reads composer.json: framework, extensions, the PHP version that it allows.
func (d *detection) composer() error {
	if !d.file("composer.json") {
		return nil
	}
	b, err := d.read("composer.json", maxConfigBytes)
	if err != nil {
		return err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return jsonError(d.at("composer.json"), b, err)
	}
	p := &d.plan
	require := texts(m["require"])
	for _, f := range phpFrameworks {
		if require[f.dep] != "" {
			p.Framework = f.name
			d.fact("composer.json", "uses %s", f.name)
			break
		}
	}
	d.phpVersion(require["php"])
	d.extensions(require)
	packages := slices.ContainsFunc(keys(require), func(n string) bool { return strings.Contains(n, "/") }) || d.file("composer.lock")
	if !packages && len(m["autoload"]) == 0 {
		return nil
	}
	p.PackageManager, p.Install = paas.ManagerComposer, "composer install --no-dev"
	if !packages {
		p.Install, p.DependencyFile, p.Composer.AutoloadOnly = "composer dump-autoload", d.at("composer.json"), true
		d.fact("composer.json", "Composer, for its autoloader")
	} else if p.DependencyFile = d.at("composer.lock"); d.file("composer.lock") {
		d.fact("composer.lock", "Composer, versions pinned by composer.lock")
	} else {
		p.DependencyFile = d.at("composer.json")
		d.fact("composer.json", "Composer, versions not pinned")
		d.warn("there is no composer.lock: today's newest versions are installed; run \"composer update\" and commit it")
	}
	if p.Framework == paas.FrameworkLaravel && d.file("artisan") {
		d.need(paas.Needed{
			Name:        "APP_KEY",
			Description: "Laravel's key: \"php artisan key:generate --show\" prints one",
			Required:    true,
			File:        d.at("composer.json"),
		})
	}
	return nil
}

func (d *detection) phpVersion(asked string) {
	if asked == "" {
		d.fact("", "PHP %s", PHPVersion)
		return
	}
	d.fact("composer.json", "PHP %s (composer.json asks for %q)", PHPVersion, asked)
	spec := strings.ReplaceAll(strings.ReplaceAll(asked, "||", "|"), "|", "||")
	c, err := semver.NewConstraint(strings.ReplaceAll(spec, "@stable", ""))
	if err == nil && !c.Check(semver.MustParse(PHPVersion+".99")) && !c.Check(semver.MustParse(PHPVersion+".0")) {
		d.plan.Composer.OtherPHP = true
		d.warn("composer.json asks for PHP %s, but PHP %s runs it: try the app before you trust it", asked, PHPVersion)
	}
}

func (d *detection) extensions(require map[string]string) {
	for _, name := range keys(require) {
		ext, ok := strings.CutPrefix(strings.ToLower(name), "ext-")
		if !ok || slices.Contains(builtinExtensions, ext) {
			continue
		}
		pkg := extensionPackages[ext]
		if pkg == "" {
			d.warn("the PHP extension %q is not available; composer may refuse to install", ext)
			continue
		}
		if !slices.Contains(d.plan.Packages, pkg) {
			d.plan.Packages = append(d.plan.Packages, pkg)
			d.fact("composer.json", "the extension %s", ext)
		}
	}
}

func keys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (d *detection) wordpress() {
	root := d.plan.DocumentRoot
	for _, f := range []string{"wp-includes/version.php", "wp-settings.php", "wp-config-sample.php"} {
		if d.file(path.Join(root, f)) {
			d.plan.Framework = "WordPress"
			d.fact(path.Join(root, f), "WordPress")
			d.warn("what WordPress writes into its own directories (uploads, plugins) is gone after a deploy: commit it, or keep uploads outside")
			return
		}
	}
}

// herokuRoot reads the document root of a Procfile line such as "web: vendor/bin/heroku-php-apache2 public/".
func (d *detection) herokuRoot() string {
	w := words(d.procfile.Web)
	if len(w) == 0 || !strings.HasPrefix(path.Base(w[0]), "heroku-php-") && w[0] != contract.PHPServer {
		return ""
	}
	last := path.Clean(w[len(w)-1])
	if len(w) == 1 || strings.HasPrefix(last, "-") {
		return "."
	}
	if path.IsAbs(last) || !plainFile.MatchString(last) || !d.dir(last) {
		return ""
	}
	return last
}

// procfileWebIsOwn reports whether the Procfile starts something other than the PHP server.
func (d *detection) procfileWebIsOwn() bool {
	return d.procfile.Web != "" && !d.isOwnPHPServer(d.procfile.Web)
}

// isOwnPHPServer reports whether a command asks for what we start anyway, by our name or by that of Heroku's program.
func (d *detection) isOwnPHPServer(command string) bool {
	w := words(command)
	return d.plan.Language == paas.LanguagePHP && len(w) > 0 && (w[0] == contract.PHPServer || strings.HasPrefix(path.Base(w[0]), "heroku-php-"))
}
