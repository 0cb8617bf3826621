package server

import (
	"net/url"
	"slices"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestForms(t *testing.T) {
	var in struct {
		Name     string      `form:"name"`
		Password paas.Secret `form:"password"`
		MemoryMB int         `form:"memory_mb"`
		CPUs     float64     `form:"cpus"`
		Look     bool        `form:"look"`
		Remove   []string    `form:"remove"`
		Other    string
	}
	sent := url.Values{"name": {"  shop "}, "password": {" secret "}, "memory_mb": {" 512"}, "cpus": {"0,5"}, "look": {""}, "remove": {"a", "b"}, "Other": {"x"}}
	shown, err := decodeForm(sent, &in)
	if err != nil || in.Name != "shop" || in.Password.Reveal() != " secret " || in.MemoryMB != 512 || in.CPUs != 0.5 || !in.Look ||
		!slices.Equal(in.Remove, []string{"a", "b"}) || in.Other != "" {
		t.Errorf("%+v, %v", in, err)
	}
	if shown["name"] != "shop" || shown["cpus"] != "0,5" {
		t.Errorf("shown again: %v", shown)
	}
	if _, secret := shown["password"]; secret {
		t.Error("a secret is shown again")
	}
	shown, err = decodeForm(url.Values{"name": {"shop"}, "memory_mb": {"much"}, "cpus": {"1"}}, &in)
	if e := paas.Public(err); err == nil || e.Field != "memory_mb" || shown["memory_mb"] != "much" || shown["name"] != "shop" {
		t.Errorf("a wrong number: %v, shown %v", err, shown)
	}
}
