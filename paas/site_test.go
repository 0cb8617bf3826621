package paas

import (
	"strings"
	"testing"
)

func TestHostLabels(t *testing.T) {
	label := func(app, project, env string) string {
		return hostLabel(App{Name: app}, Project{Name: project}, Environment{Name: env})
	}
	for _, tt := range []struct{ app, project, env, want string }{
		{"shop", "shop", "production", "shop"},
		{"shop", "shop", "staging", "shop--staging"},
		{"web", "bakery", "production", "web--bakery"},
		{"web", "bakery", "staging", "web--bakery--staging"},
		{"ab", "cd", "production", "app-ab--cd"},
	} {
		if got := label(tt.app, tt.project, tt.env); got != tt.want {
			t.Errorf("label of %v = %q", tt, got)
		}
	}
	long := strings.Repeat("a", 40)
	one, two := label(long, long[:39]+"b", "production"), label(long, long[:39]+"c", "production")
	if len(one) > maxLabel || one == two {
		t.Errorf("long labels: %q and %q", one, two)
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct {
		site Site
		want string
	}{
		{Site{TLS: TLSSettings{Mode: TLSOff}, HTTPPort: 80}, "http://h"},
		{Site{TLS: TLSSettings{Mode: TLSOff}, HTTPPort: 8080}, "http://h:8080"},
		{Site{TLS: TLSSettings{Mode: TLSACME}, HTTPSPort: 443}, "https://h"},
		{Site{TLS: TLSSettings{Mode: TLSSelfSigned}, HTTPSPort: 8443}, "https://h:8443"},
	} {
		if got := tt.site.Origin("h"); got != tt.want {
			t.Errorf("Origin = %q, want %q", got, tt.want)
		}
	}
}
