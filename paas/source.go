package paas

import (
	"path"
	"slices"
)

const maxWatched = 100

// CodeSource is where an app's code comes from: one of the kinds, with the members that it names. The zero value is built-in.
type CodeSource struct {
	Kind       CodeKind
	URL        string   `json:",omitempty"` // address
	Connection string   `json:",omitempty"` // connection: id of it
	Repository string   `json:",omitempty"` // connection: owner/name there
	Image      string   `json:",omitempty"` // image: the reference
	Watch      []string `json:",omitempty"` // patterns of paths: a push that changes none of them deploys nothing; empty: every push does
}

// CodeKind is how an app's code comes to us.
type CodeKind string

const (
	CodeBuiltIn    CodeKind = ""           // pushes to the built-in remote, or uploads now and then
	CodeAddress    CodeKind = "address"    // a public repository
	CodeConnection CodeKind = "connection" // a repository of a connected account
	CodeUpload     CodeKind = "upload"     // archives only
	CodeImage      CodeKind = "image"      // nothing is built
)

// CodeAt is the public repository at an address, or the built-in remote for "".
func CodeAt(url string) CodeSource {
	if url == "" {
		return CodeSource{}
	}
	return CodeSource{Kind: CodeAddress, URL: url}
}

// Equal reports whether both are the same.
func (s CodeSource) Equal(other CodeSource) bool {
	return s.Kind == other.Kind && s.URL == other.URL && s.Connection == other.Connection && s.Repository == other.Repository &&
		s.Image == other.Image && slices.Equal(s.Watch, other.Watch)
}

// Validate tells whether the source can be kept: it has the members of its kind and no other.
func (s CodeSource) Validate() error {
	members := map[CodeKind]CodeSource{
		CodeBuiltIn: {}, CodeUpload: {}, CodeAddress: {URL: s.URL}, CodeImage: {Image: s.Image},
		CodeConnection: {Connection: s.Connection, Repository: s.Repository},
	}
	want, ok := members[s.Kind]
	if want.Kind, want.Watch = s.Kind, s.Watch; !ok || !s.Equal(want) {
		return Invalidf("source", "", "%q is no kind of source, or has members of another kind", Clip(string(s.Kind), 30))
	}
	missing := s.Kind == CodeAddress && s.URL == "" || s.Kind == CodeImage && s.Image == "" || s.Kind == CodeConnection && (s.Connection == "" || s.Repository == "")
	if missing || max(len(s.Connection), len(s.Repository), len(s.Image)) > maxSettingBytes {
		return Invalidf("source", "", "the source does not say where the code is, or not in few words")
	}
	if len(s.Watch) > maxWatched {
		return Invalidf("watch", "name a directory instead of its files", "at most %d paths can be watched", maxWatched)
	}
	for _, p := range s.Watch {
		if _, err := path.Match(p, ""); err != nil || p == "" || len(p) > maxSettingBytes {
			return Invalidf("watch", "write it like web/*", "%q is no pattern of paths", Clip(p, 100))
		}
	}
	return AppSource{URL: s.URL}.Validate()
}
