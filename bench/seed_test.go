package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

func TestSeed(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	long, err := seed(t.Context(), data, 3, 25, 7)
	if err != nil {
		t.Fatal(err)
	}
	if long.deployments != 25 || long.variables != 7 {
		t.Errorf("the longest is %+v", long)
	}
	key, err := store.LoadKey(data + ".key")
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(store.Options{Path: filepath.Join(data, "cloudsania.db"), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	apps, err := st.Apps()
	if err != nil || len(apps) != 4 {
		t.Fatalf("%d apps, %v", len(apps), err)
	}
	for _, a := range apps {
		target, err := st.Target(a.ID, paas.Production)
		if err != nil {
			t.Fatal(err)
		}
		live, err := st.InstancesOf(target)
		if err != nil || len(live) != 1 || !exists(filepath.Join(data, "static", live[0].Dir, "index.html")) {
			t.Errorf("%s: live are %+v, %v", a.Name, live, err)
		}
		deps, err := st.Deployments(target, 100)
		failed := slices.DeleteFunc(slices.Clone(deps), func(d paas.Deployment) bool { return d.Status != paas.StatusFailed })
		want := [2]int{1, 0}
		if a.Name == long.name {
			want = [2]int{25, 2}
		}
		if got := [2]int{len(deps), len(failed)}; err != nil || got != want || deps[0].Status != paas.Succeeded {
			t.Errorf("%s has %d deployments, %d of them failed, %v; want %v", a.Name, got[0], got[1], err, want)
		}
	}
}
