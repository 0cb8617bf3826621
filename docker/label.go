package docker

import (
	"fmt"
	"maps"
	"regexp"

	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

// Labels of everything made here. A container inherits its image's labels, which is not trusted: each container
// therefore sets all of them, empty where they do not apply.
const (
	labelInstallation = paas.LabelInstallation
	labelKind         = paas.LabelKind
	labelApp          = paas.LabelApp
	labelEnvironment  = paas.LabelEnvironment
	labelRelease      = paas.LabelRelease
	labelProcess      = paas.LabelProcess
	labelInstance     = paas.LabelInstance
	labelBuild        = paas.LabelBuild
	labelImage        = paas.LabelImage
	labelSpec         = paas.LabelSpec
	labelVolume       = paas.LabelVolume
	labelService      = paas.LabelService
	labelWork         = paas.LabelWork
)

// containerLabelKeys are the labels that every container sets. Volume, service and work have no value yet: they are
// kept free.
var containerLabelKeys = []string{labelApp, labelEnvironment, labelRelease, labelProcess, labelInstance, labelBuild, labelImage,
	labelSpec, labelVolume, labelService, labelWork}

// Kind says what a thing of ours in Docker is for.
type Kind = paas.ContainerKind

const (
	KindInstance = paas.KindInstance
	KindRun      = paas.KindRun

	kindBuild = paas.KindBuild
	kindWork  = paas.KindWork
	kindKept  = paas.KindKept

	kindOnce Kind = "once" // what earlier versions called KindRun
)

// leftovers are the kinds of containers that mean nothing without the process that made them.
var leftovers = []Kind{KindRun, kindBuild, kindWork, kindOnce}

// labels returns with as a thing of this installation.
func (e *Engine) labels(kind Kind, with map[string]string) map[string]string {
	m := maps.Clone(with)
	if m == nil {
		m = map[string]string{}
	}
	m[labelInstallation], m[labelKind] = e.installation, string(kind)
	return m
}

// containerLabels is labels with every other label of ours empty.
func (e *Engine) containerLabels(kind Kind, with map[string]string) map[string]string {
	m := map[string]string{}
	for _, key := range containerLabelKeys {
		m[key] = with[key]
	}
	return e.labels(kind, m)
}

// ours filters for things of this installation and of a kind.
func (e *Engine) ours(kind Kind) client.Filters {
	return client.Filters{}.Add("label", labelInstallation+"="+e.installation, labelKind+"="+string(kind))
}

// validName is narrower than Docker's rule: nothing of it can be read as a path or an option.
var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{1,127}$`)

// checkName guards names of volumes and networks, which callers make of our ids.
func checkName(what, name string) error {
	if validName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q cannot be the name of a docker %s", paas.Clip(name, 60), what)
}

// foreign is the answer when a name of ours belongs to another installation.
func foreign(what, name string) error {
	return &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("the docker %s %q was not made by this installation", what, name),
		Hint: "rename or remove it; cloudsania touches only what it made itself"}
}
