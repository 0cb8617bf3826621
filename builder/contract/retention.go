package contract

import "time"

// How long, and how much of, what builds can make anew is kept. What a kept build used stays whatever its age and
// size; so does what was used within RecentUse, since a build may be at it.
const (
	RuntimeUnused = 30 * 24 * time.Hour // a downloaded runtime
	RuntimeBytes  = 6 << 30             // all of them; beyond it the longest unused go first

	CacheUnused = 60 * 24 * time.Hour // an app's caches, after its last build
	CacheBytes  = 4 << 30             // one app's, measured in its builds

	PackagesUnused = 30 * 24 * time.Hour // the images of a set of system packages

	RecentUse = 24 * time.Hour
)
