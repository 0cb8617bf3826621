package ui

import (
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// Form is what somebody entered and what was wrong with it. The zero value is an empty form. Secrets are never put back.
type Form struct {
	Values map[string]string
	Errors []*paas.Error // with Field: shown beside that field; without: above the form
}

// Failed is a form with one error.
func Failed(values map[string]string, err error) Form {
	return Form{Values: values, Errors: []*paas.Error{paas.Public(err)}}
}

// Value is what was entered in a field.
func (f Form) Value(name string) string { return f.Values[name] }

// Err is what is wrong with a field, or nil.
func (f Form) Err(name string) *paas.Error {
	for _, e := range f.Errors {
		if e.Field == name && name != "" {
			return e
		}
	}
	return nil
}

// General are the errors that belong to none of the named fields.
func (f Form) General(fields ...string) []*paas.Error {
	var out []*paas.Error
next:
	for _, e := range f.Errors {
		for _, name := range fields {
			if e.Field == name {
				continue next
			}
		}
		out = append(out, e)
	}
	return out
}

// Field is one labelled input of a form, with its hint and its error beside it.
type Field struct {
	ID, Name, Label, Type, Value, Hint, Placeholder, Autocomplete, Class, Pattern string
	Required, Focus, Mono, Plain                                                  bool
	MaxLength, MinLength                                                          int
	Err                                                                           *paas.Error
}

// Describes is the list of ids for aria-describedby.
func (f Field) Describes() string {
	var ids []string
	if f.Err != nil {
		ids = append(ids, f.ID+"-err")
	}
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// field makes a Field of a form. Options are "key=value" or a bare word: id, type, hint, placeholder, autocomplete, class, value,
// max, min, required, focus, mono, plain (spell checking off).
func field(form Form, name, label string, options ...string) (Field, error) {
	f := Field{ID: name, Name: name, Label: label, Type: "text", Value: form.Value(name), Err: form.Err(name), MaxLength: 200}
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		if err := f.set(key, value); err != nil {
			return f, err
		}
	}
	if f.Type == "password" {
		f.Value = ""
	}
	return f, nil
}

func (f *Field) set(key, value string) (err error) {
	switch key {
	case "id":
		f.ID = value
	case "type":
		f.Type = value
	case "hint":
		f.Hint = value
	case "placeholder":
		f.Placeholder = value
	case "autocomplete":
		f.Autocomplete = value
	case "class":
		f.Class = value
	case "pattern":
		f.Pattern = value
	case "value":
		if f.Value == "" {
			f.Value = value
		}
	case "max":
		_, err = fmt.Sscan(value, &f.MaxLength)
	case "min":
		_, err = fmt.Sscan(value, &f.MinLength)
	case "required":
		f.Required = true
	case "focus":
		f.Focus = true
	case "mono":
		f.Mono = true
	case "plain":
		f.Plain = true
	default:
		err = fmt.Errorf("field %q has no option %q", f.Name, key)
	}
	return err
}
