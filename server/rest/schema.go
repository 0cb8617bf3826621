package rest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// schemaSet holds the schemas (JSON Schema 2020-12) of named types, made from the wire types themselves.
type schemaSet object

// of is the schema of a type; a named struct is kept once and referred to.
func (s schemaSet) of(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return object{"type": "string", "format": "date-time"}
		}
		return s.named(t)
	}
	panic(fmt.Sprintf("no schema for %s", t)) // a wire type of a new kind: the tests and the first start find it
}

func (s schemaSet) named(t reflect.Type) object {
	ref := object{"$ref": "#/components/schemas/" + t.Name()}
	if _, ok := s[t.Name()]; ok {
		return ref
	}
	schema := object{"type": "object", "additionalProperties": false}
	s[t.Name()] = schema // before its members, which may refer to it
	properties, required := object{}, []string{}
	s.members(t, properties, &required)
	schema["properties"] = properties
	if len(required) > 0 {
		slices.Sort(required)
		schema["required"] = required
	}
	return ref
}

// members are the fields as encoding/json sees them.
func (s schemaSet) members(t reflect.Type, properties object, required *[]string) {
	for f := range t.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && tag == "" {
			s.members(f.Type, properties, required)
			continue
		}
		schema := s.of(f.Type)
		optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if f.Type.Kind() == reflect.Pointer && !optional {
			schema = object{"anyOf": []any{schema, object{"type": "null"}}}
		}
		properties[tag] = schema
		if !optional {
			*required = append(*required, tag)
		}
	}
}
