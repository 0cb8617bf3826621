package store

import "github.com/cloudsania/cloudsania/paas"

// Team is the one that owns this installation.
func (t *Tx) Team() (paas.Team, error) {
	teams, err := list[paas.Team](t, teamBucket, "")
	if err == nil && len(teams) != 1 {
		err = damaged("there are %d teams", len(teams))
	}
	if err != nil {
		return paas.Team{}, err
	}
	return teams[0], nil
}

// Client by id.
func (t *Tx) Client(id string) (paas.Client, error) { return get[paas.Client](t, clientBucket, id) }

// Clients of the team.
func (t *Tx) Clients() ([]paas.Client, error) { return list[paas.Client](t, clientBucket, "") }

// Server is this machine.
func (t *Tx) Server() (paas.Server, error) { return get[paas.Server](t, metaBucket, "server") }

// defaultClient is the one that projects belong to unless somebody says otherwise: the first.
func (t *Tx) defaultClient() (paas.Client, error) {
	var first paas.Client
	err := each(t, clientBucket, "", func(_ string, c paas.Client) error { first = c; return errStop })
	if err == nil && first.ID == "" {
		err = damaged("there is no client")
	}
	return first, err
}

// teamPath is where things hang that belong to the whole installation.
func (t *Tx) teamPath() (paas.Path, error) {
	team, err := t.Team()
	return paas.Path{Team: team.ID}, err
}
