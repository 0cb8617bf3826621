package paas

// idPrefixes are those that ids may begin with, and of what: also of nouns that are still to come, so that no two ever share one.
var idPrefixes = map[string]string{
	"inl": "installation", "tea": "team", "cli": "client", "prj": "project", "env": "environment", "app": "app", "srv": "server", "reg": "region",
	"bld": "build", "rel": "release", "dep": "deployment", "ins": "instance", "upl": "upload", "psh": "push", "req": "request",
	"usr": "person", "mem": "membership", "tok": "token", "idn": "identity",
	"svc": "service", "att": "attachment of a service", "vol": "volume", "snp": "snapshot", "bak": "backup", "imp": "import", "wav": "wave",
	"del": "deletion", "wrk": "work of ours in a container", "inc": "incident", "obx": "message of the outbox", "con": "connection", "hok": "webhook", "crt": "certificate",
}

// ContainerKind says what a thing of ours in Docker is for. Repair touches only the kinds that it knows.
type ContainerKind string

const (
	KindInstance   ContainerKind = "instance"   // a copy of a release
	KindRun        ContainerKind = "run"        // a command of an app that runs to its end, such as a release command
	KindBuild      ContainerKind = "build"      // containers, volumes, networks of a build
	KindWork       ContainerKind = "work"       // our own short-lived containers, in which images are derived
	KindKept       ContainerKind = "kept"       // images, caches, environments' networks
	KindService    ContainerKind = "service"    // a database, a cache, any image
	KindAttachment ContainerKind = "attachment" // what connects an app to a service
	KindVolume     ContainerKind = "volume"     // data of an app or a service
	KindSnapshot   ContainerKind = "snapshot"   // of a volume
	KindProof      ContainerKind = "proof"      // a backup that is restored to show that it can be
)

// Labels of everything of ours in Docker.
const (
	LabelInstallation = "cloudsania.installation"
	LabelKind         = "cloudsania.kind" // a ContainerKind
	LabelApp          = "cloudsania.app"
	LabelEnvironment  = "cloudsania.environment"
	LabelRelease      = "cloudsania.release"
	LabelProcess      = "cloudsania.process"
	LabelInstance     = "cloudsania.instance"
	LabelBuild        = "cloudsania.build"
	LabelImage        = "cloudsania.image" // on a build's volume: pack's temporary image, which carries no label of ours
	LabelSpec         = "cloudsania.spec"  // hash of what a container was made from
	LabelVolume       = "cloudsania.volume"
	LabelService      = "cloudsania.service"
	LabelWork         = "cloudsania.work" // id of the deployment, backup … that it belongs to
)
