package paas

import "time"

// Usage is a sample of what an instance used since the sample before: it cannot be filled in later, so it is kept
// from day one.
type Usage struct {
	Instance, App, Environment string
	Time                       time.Time
	CPUMillis                  int64 // processor milliseconds
	MemoryBytes                int64 // at the sample
	ReceivedBytes, SentBytes   int64
	Requests                   int64
}

// UsageDay is what a target used on one day (UTC), summed over its samples: Time is the day's beginning, Instance and
// MemoryBytes are empty.
type UsageDay struct {
	Usage
	Samples, MemorySum int64
}

// Add counts a sample of the day.
func (d *UsageDay) Add(u Usage) {
	d.Merge(UsageDay{Usage: u, Samples: 1, MemorySum: u.MemoryBytes})
}

// Merge adds the sums of another part of the same day.
func (d *UsageDay) Merge(other UsageDay) {
	d.App, d.Environment, d.Time = other.App, other.Environment, other.Time.UTC().Truncate(24*time.Hour)
	d.Samples += other.Samples
	d.MemorySum += other.MemorySum
	d.CPUMillis += other.CPUMillis
	d.ReceivedBytes += other.ReceivedBytes
	d.SentBytes += other.SentBytes
	d.Requests += other.Requests
}

// Load is what an app used lately. Known is false before the first sample.
type Load struct {
	Known         bool
	MemoryBytes   int64
	MemoryLimit   int64   // 0 for what has neither memory nor processor time of its own
	CPUPercent    float64 // of the processors that it may use
	Requests      int64   // in the last hour
	SentBytes     int64   // in the last hour
	Memory, CPU   []float64
	RequestSeries []float64
}

// MemoryPercent of the limit.
func (l Load) MemoryPercent() float64 {
	if l.MemoryLimit <= 0 {
		return 0
	}
	return float64(l.MemoryBytes) * 100 / float64(l.MemoryLimit)
}

// Allowance is what all instances of an app environment may use together. Static files have none.
type Allowance struct {
	MemoryBytes int64
	CPUs        float64
}

// AllowanceOf a number of copies with the same limits.
func AllowanceOf(l Limits, copies int) Allowance {
	l = l.WithDefaults()
	return Allowance{MemoryBytes: int64(l.MemoryMB) << 20 * int64(copies), CPUs: l.CPUs * float64(copies)}
}
