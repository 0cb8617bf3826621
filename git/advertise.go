package git

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
)

// pushCapabilities are what receive understands (gitprotocol-capabilities(5)). Not "quiet": clients ask for that
// whenever their output is not a terminal, and the log of a CI job is where the output of a deployment is wanted most.
const pushCapabilities = "report-status delete-refs side-band-64k atomic ofs-delta push-options object-format=sha1 agent=cloudsania"

// advertisePush lists the references to a client that is about to push. There is no protocol 2 for pushes: clients that
// offer it accept this.
func (s *Server) advertisePush(w http.ResponseWriter, r *http.Request, repo *repo) {
	all, err := repo.refs()
	if err != nil {
		s.fail(w, r, err)
		return
	}
	advertise(w, all)
}

func advertise(w http.ResponseWriter, all refs) {
	w.Header().Set("Content-Type", "application/x-git-receive-pack-advertisement")
	e := pktline.NewEncoder(w)
	_ = e.Encodef("# service=%s\n", receivePack) // a client that has gone needs no answer
	_ = e.Flush()
	for i, line := range advertised(all) {
		if i == 0 {
			line += "\x00" + pushCapabilities
		}
		_ = e.EncodeString(line + "\n")
	}
	_ = e.Flush()
}

// advertised are the lines of a listing. Commits whose deployment failed are told as known without a name, so that
// fixing a build of a large repository does not send all of it again.
func advertised(all refs) []string {
	var lines []string
	for _, name := range all.visible() {
		lines = append(lines, all[name].String()+" "+name)
	}
	have := map[plumbing.Hash]bool{}
	for name, hash := range all {
		if strings.HasPrefix(name, failedRefs) {
			have[hash] = true
		}
	}
	hashes := slices.SortedFunc(maps.Keys(have), func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
	for _, hash := range hashes {
		lines = append(lines, hash.String()+" .have")
	}
	if len(lines) == 0 {
		lines = append(lines, fmt.Sprintf("%s capabilities^{}", plumbing.ZeroHash))
	}
	return lines
}
