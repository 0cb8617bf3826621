package deploy

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCrashLoopIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrashes()
		for n := range crashLimit {
			if c.count("ins") {
				t.Fatalf("end %d counts as a loop", n+1)
			}
			time.Sleep(time.Second)
		}
		if !c.count("ins") || !c.resting("ins") || c.resting("other") {
			t.Error("a loop is not noticed")
		}
		if next := c.next(); next != crashRest {
			t.Errorf("looked at again after %v, want %v", next, crashRest)
		}
		time.Sleep(crashRest)
		if c.resting("ins") || c.next() != time.Hour {
			t.Error("it rests for ever")
		}
	})
}

func TestSlowEndsAreNoCrashLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrashes()
		for range 3 * crashLimit {
			if c.count("slow") {
				t.Error("an end every two minutes counts as a loop")
			}
			time.Sleep(2 * time.Minute)
		}
	})
}
