package detect

import "github.com/cloudsania/cloudsania/paas"

// language is how the sources of one of paas.Languages are recognised and planned.
type language struct {
	name    string
	present func(*detection) bool // its files are there
	chosen  func(*detection) bool // they are what the source is about; nil: when they are there
	plan    func(*detection) error
}

// languages are tried in this order, in which they usually win when several are present: PHP and Go projects often
// carry a package.json for their assets, Python and Node projects are told apart by who serves.
var languages = []language{phpLanguage, goLanguage, pythonLanguage, nodeLanguage, staticLanguage, procfileLanguage}

// language plans the source in its language. What a Procfile starts decides first.
func (d *detection) language() error {
	if err := d.readRootPackage(); err != nil {
		return err
	}
	started := d.procfile.language()
	for _, l := range languages {
		if l.name == started && l.present(d) {
			return l.plan(d)
		}
	}
	for _, l := range languages {
		if l.present(d) && (l.chosen == nil || l.chosen(d)) {
			return l.plan(d)
		}
	}
	if d.pkg != nil { // a Node project that does not say how it starts: its plan fails with what is missing
		return nodeLanguage.plan(d)
	}
	return d.unrecognised()
}

func (d *detection) readRootPackage() (err error) {
	if d.file("package.json") {
		d.pkg, err = d.readPackage("package.json")
	}
	return err
}

// startsItself reports whether a person has said how to start a source that shows no language.
func (d *detection) startsItself() bool {
	return d.procfile.Web != "" || len(d.procfile.Workers) > 0 || d.settings.StartCommand != ""
}

var procfileLanguage = language{
	name:    paas.LanguageProcfile,
	present: (*detection).startsItself,
	plan:    (*detection).generic,
}

func (d *detection) generic() error {
	d.plan.Language = paas.LanguageProcfile
	if !d.procfile.Empty() {
		d.fact("Procfile", "no language was recognised: the Procfile says what to start")
	}
	return nil
}
