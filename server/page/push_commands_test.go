package page

import (
	"strings"
	"testing"
)

func TestPushCommands(t *testing.T) {
	got := pushCommands("https://cloud.test/git/shop.git", "cs_abc", "dev/x")
	if want := "git remote add cloudsania https://git:cs_abc@cloud.test/git/shop.git\ngit push cloudsania HEAD:dev/x"; got != want {
		t.Errorf("%s", got)
	}
	if got := pushCommands("https://cloud.test/git/shop.git", "cs_abc", "x; rm -rf /"); !strings.HasSuffix(got, "HEAD:main") {
		t.Errorf("a branch becomes a command: %s", got)
	}
}
