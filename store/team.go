package store

import "github.com/cloudsania/cloudsania/paas"

// Team is the one that owns this installation.
func (s *Store) Team() (paas.Team, error) {
	var team paas.Team
	err := s.view(func(t *tx) (err error) { team, err = t.team(); return err })
	return team, err
}

// Client by id.
func (s *Store) Client(id string) (paas.Client, error) {
	return fetch[paas.Client](s, clientBucket, id)
}

// Clients of the team.
func (s *Store) Clients() ([]paas.Client, error) { return fetchAll[paas.Client](s, clientBucket) }

// Server is this machine.
func (s *Store) Server() (paas.Server, error) { return fetch[paas.Server](s, metaBucket, "server") }

func (t *tx) team() (paas.Team, error) {
	teams, err := list[paas.Team](t, teamBucket, "")
	if err == nil && len(teams) != 1 {
		err = damaged("there are %d teams", len(teams))
	}
	if err != nil {
		return paas.Team{}, err
	}
	return teams[0], nil
}

// defaultClient is the one that projects belong to unless somebody says otherwise: the first.
func (t *tx) defaultClient() (paas.Client, error) {
	var first paas.Client
	err := each(t, clientBucket, "", func(_ string, c paas.Client) error { first = c; return errStop })
	if err == nil && first.ID == "" {
		err = damaged("there is no client")
	}
	return first, err
}

// teamPath is where things hang that belong to the whole installation.
func (t *tx) teamPath() (paas.Path, error) {
	team, err := t.team()
	return paas.Path{Team: team.ID}, err
}

// fetch reads one record in a transaction of its own.
func fetch[T any](s *Store, b bucket, key string) (T, error) {
	var v T
	err := s.view(func(t *tx) (err error) { v, err = get[T](t, b, key); return err })
	return v, err
}

// fetchAll reads a whole bucket.
func fetchAll[T any](s *Store, b bucket) ([]T, error) {
	var out []T
	err := s.view(func(t *tx) (err error) { out, err = list[T](t, b, ""); return err })
	return out, err
}
