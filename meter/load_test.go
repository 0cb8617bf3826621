package meter

import (
	"reflect"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestLoadOf(t *testing.T) {
	ago := func(d time.Duration, cpu, memory, requests int64) Point {
		return Point{Time: noon.Add(-d), CPUMillis: cpu, MemoryBytes: memory, Requests: requests, SentBytes: requests * 10}
	}
	may := paas.AllowanceOf(paas.Limits{MemoryMB: 1, CPUs: 0.5}, 2)
	tests := []struct {
		name   string
		points []Point
		may    paas.Allowance
		want   paas.Load // without series
	}{
		{"nothing", nil, may, paas.Load{}},
		{"now", []Point{ago(time.Minute, 6000, 1<<20, 5), ago(0, 30000, 3<<19, 7)}, may,
			paas.Load{Known: true, MemoryBytes: 3 << 19, MemoryLimit: 2 << 20, CPUPercent: 50, Requests: 12, SentBytes: 120}},
		{"two in one minute", []Point{ago(50*time.Second, 6000, 1<<20, 5), ago(0, 6000, 1<<19, 7)}, may,
			paas.Load{Known: true, MemoryBytes: 1 << 19, MemoryLimit: 2 << 20, CPUPercent: 20, Requests: 12, SentBytes: 120}},
		{"files", []Point{ago(0, 0, 0, 7)}, paas.Allowance{}, paas.Load{Known: true, Requests: 7, SentBytes: 70}},
		{"stopped a while ago", []Point{ago(10*time.Minute, 6000, 1<<20, 5)}, may,
			paas.Load{Known: true, MemoryLimit: 2 << 20, Requests: 5, SentBytes: 50}},
		{"an hour ago and in the future", []Point{ago(time.Hour, 6000, 1<<20, 5), ago(-2*time.Minute, 6000, 1<<20, 5)}, may,
			paas.Load{Known: true, MemoryLimit: 2 << 20}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := LoadOf(test.points, noon, test.may)
			if test.want.Known && (len(got.RequestSeries) != minutes || len(got.CPU) != len(got.Memory)) {
				t.Errorf("series of %d, %d, %d", len(got.RequestSeries), len(got.CPU), len(got.Memory))
			}
			if static := test.may == (paas.Allowance{}); static != (got.CPU == nil) && test.want.Known {
				t.Errorf("processor time: %v", got.CPU)
			}
			got.Memory, got.CPU, got.RequestSeries = nil, nil, nil
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	series := LoadOf([]Point{ago(59*time.Minute, 1, 10, 100), ago(0, 2, 20, 200)}, noon, may)
	last := minutes - 1
	if series.RequestSeries[0] != 100 || series.RequestSeries[last] != 200 || series.CPU[0] != 1 || series.Memory[last] != 20 {
		t.Errorf("%+v", series)
	}
}
