package server

import (
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// Form reads the form in the body into a struct whose fields are tagged with the names of the form's fields: `form:"name"`; those of
// embedded structs count. A string is trimmed; a paas.Secret and a []string are taken as they were sent; an int and a float64 must be numbers; a bool is whether the field was
// sent at all. It returns what was entered, for showing the form again: never secrets. Its error names the field, and what was entered is
// returned with it.
func (c *Call) Form(into any) (shown map[string]string, err error) {
	if err := c.Request().ParseForm(); err != nil {
		return nil, bodyError(err)
	}
	return decodeForm(c.Request().PostForm, into)
}

func decodeForm(sent url.Values, into any) (shown map[string]string, err error) {
	shown = map[string]string{}
	form := reflect.ValueOf(into).Elem()
	for _, f := range reflect.VisibleFields(form.Type()) {
		name := f.Tag.Get("form")
		if name == "" {
			continue
		}
		text := strings.TrimSpace(sent.Get(name))
		field := form.FieldByIndex(f.Index)
		switch to := field.Addr().Interface().(type) {
		case *paas.Secret:
			*to = paas.NewSecret(sent.Get(name))
			continue
		case *[]string:
			*to = sent[name]
			continue
		case *bool:
			*to = sent.Has(name)
			continue
		case *string:
			*to = text
		case *int:
			err = firstOf(err, number(name, text, func() (e error) { *to, e = strconv.Atoi(text); return e }))
		case *float64:
			err = firstOf(err, number(name, text, func() (e error) { *to, e = decimal(text); return e }))
		default:
			panic("a form cannot be read into a " + field.Type().String()) // a mistake of ours that every test of the page finds
		}
		shown[name] = text
	}
	return shown, err
}

// decimal reads a number with either sign for its fraction.
func decimal(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", "."), 64)
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, strconv.ErrRange
	}
	return n, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func number(name, text string, parse func() error) error {
	if parse() == nil {
		return nil
	}
	return paas.Invalidf(name, "give a number such as 1", "%q is not a number", paas.Clip(text, 20))
}
