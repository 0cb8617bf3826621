package lifecycle

import (
	"encoding/json"

	"github.com/buildpacks/lifecycle/api"
)

// APIs is the value of LabelAPIs: which buildpack and platform APIs the lifecycle speaks.
func APIs() string {
	type versions struct {
		Deprecated []string `json:"deprecated"`
		Supported  []string `json:"supported"`
	}
	b, err := json.Marshal(struct {
		Buildpack versions `json:"buildpack"`
		Platform  versions `json:"platform"`
	}{
		versions{[]string{}, texts(api.Buildpack.Supported)},
		versions{[]string{}, texts(api.Platform.Supported)},
	})
	if err != nil {
		panic(err) // strings only
	}
	return string(b)
}

func texts(l api.List) []string {
	out := make([]string, len(l))
	for i, v := range l {
		out[i] = v.String()
	}
	return out
}
