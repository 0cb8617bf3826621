package store

import (
	"net/netip"
	"reflect"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

type sampleRecord struct {
	name  string
	value any
}

// sampleRecords is one of each record with every field set, so that a renamed, removed or retyped field shows.
func sampleRecords() []sampleRecord {
	types := []sampleRecord{
		{"settings", &paas.Settings{}}, {"server", &paas.Server{}}, {"head", &chainHead{}}, {"claim", &paas.Claim{}}, {"team", &paas.Team{}},
		{"client", &paas.Client{}}, {"project", &paas.Project{}}, {"environment", &environmentRecord{}}, {"app", &paas.App{}},
		{"placement", &paas.AppEnvironment{}}, {"host", &paas.Host{}}, {"variables", &sealedVariable{}}, {"build", &paas.Build{}},
		{"release", &paas.Release{}}, {"deployment", &paas.Deployment{}}, {"instance", &paas.Instance{}}, {"removal", &Removed{}},
		{"event", &eventBody{}}, {"event_personal", &personal{}}, {"user", &userRecord{}},
		{"membership", &paas.Membership{}}, {"role", &paas.RoleDefinition{}}, {"session", &paas.Session{}}, {"token", &paas.Token{}}, {"usage_of", &series{}},
		{"usage_day", &paas.UsageDay{}}, {"idempotent", &answer{}},
	}
	for _, r := range types {
		fillAll(reflect.ValueOf(r.value).Elem())
	}
	return types
}

// fillAll gives every field a value that is not zero.
func fillAll(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("10.202.0.2")))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.MustParsePrefix("10.202.0.0/26")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillAll(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAll(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillAll(v.Index(0))
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillAll(key)
		fillAll(elem)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.String:
		v.SetString("s")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	default:
		panic("no sample for " + v.Type().String())
	}
}
