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
func (t *Tx) Clients() ([]paas.Client, error) { return byAge[paas.Client](t, clientBucket) }

// Server is this machine.
func (t *Tx) Server() (paas.Server, error) { return get[paas.Server](t, metaBucket, "server") }

// defaultClient is the one that projects belong to unless somebody says otherwise: the first.
func (t *Tx) defaultClient() (paas.Client, error) {
	all, err := t.Clients()
	if err == nil && len(all) == 0 {
		err = damaged("there is no client")
	}
	if err != nil {
		return paas.Client{}, err
	}
	return all[0], nil
}

// teamPath is where things hang that belong to the whole installation.
func (t *Tx) teamPath() (paas.Path, error) {
	team, err := t.Team()
	return paas.Path{Team: team.ID}, err
}
