package main

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		what string
		in   sample
		want float64
	}{
		{"one", sample{3}, 3},
		{"odd, not in order", sample{9, 1, 4}, 4},
		{"even takes the mean of the middle two", sample{10, 1, 2, 4}, 3},
		{"an outlier does not move it", sample{2, 2, 1000, 2, 3}, 2},
	} {
		before := slices.Clone(c.in)
		if got := c.in.median(); got != c.want {
			t.Errorf("%s: median of %v = %v, want %v", c.what, before, got, c.want)
		}
		if !slices.Equal(before, c.in) {
			t.Errorf("%s: the order of measuring was lost: %v became %v", c.what, before, c.in)
		}
	}
}

func TestPercentile(t *testing.T) {
	hundred := sample{}
	for i := range 100 {
		hundred = append(hundred, float64(100-i))
	}
	for _, c := range []struct {
		in      sample
		p, want float64
	}{
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred, 0, 1}, {sample{7}, 99, 7}, {sample{1, 2, 3}, 50, 2}, {sample{1, 2, 3, 4}, 50, 2},
	} {
		if got := c.in.percentile(c.p); got != c.want {
			t.Errorf("percentile %v of %d values = %v, want %v", c.p, len(c.in), got, c.want)
		}
	}
}

func TestNothingMeasuredIsNotZero(t *testing.T) {
	for name, got := range map[string]float64{"median": sample{}.median(), "percentile": sample{}.percentile(50), "mean": sample{}.mean()} {
		if !math.IsNaN(got) {
			t.Errorf("%s of nothing = %v: a zero would count as a target reached", name, got)
		}
	}
}

func TestMean(t *testing.T) {
	if got := (sample{0, 0, 3}).mean(); got != 1 {
		t.Errorf("mean = %v, want 1", got)
	}
}
