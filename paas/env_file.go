package paas

import (
	"errors"
	"fmt"
	"strings"
)

// EnvLine is a variable as a .env file sets it.
type EnvLine struct {
	Name  string
	Value Secret
}

// ParseEnvFile reads the lines of a .env file: NAME=value, with an optional "export", quotes around the value, and # for comments. In
// double quotes \n, \" and \\ are what they are in shells, and a value may go over several lines; in single quotes everything is itself.
// Errors (Invalid, of the field "env") say in which line.
func ParseEnvFile(text string) ([]EnvLine, error) {
	var out []EnvLine
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for line := 1; text != ""; line++ {
		row, rest, _ := strings.Cut(text, "\n")
		row = strings.TrimSpace(row)
		if row == "" || row[0] == '#' {
			text = rest
			continue
		}
		name, value, found := strings.Cut(strings.TrimPrefix(row, "export "), "=")
		name = strings.TrimSpace(name)
		if !found {
			return nil, Invalidf("env", "write NAME=value", "line %d of the pasted text has no \"=\"", line)
		}
		if err := CheckVariable(name); err != nil {
			e := Public(err)
			return nil, &Error{Kind: e.Kind, Field: "env", Msg: fmt.Sprintf("line %d of the pasted text: %s", line, e.Msg), Hint: e.Hint}
		}
		value, more, lines, err := envValue(strings.TrimLeft(value, " \t"), rest)
		if err != nil {
			return nil, Invalidf("env", "close it, or put a backslash before it", "line %d of the pasted text has a quotation mark that is not closed", line)
		}
		text, line = more, line+lines
		out = append(out, EnvLine{Name: name, Value: NewSecret(value)})
	}
	return out, nil
}

var errOpenQuote = errors.New("quote is not closed")

// envValue reads a value; rest is the text after its first line, more what is left after its last, lines how many further ones it took.
func envValue(value, rest string) (text, more string, lines int, err error) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		if i := strings.Index(value, " #"); i >= 0 {
			value = value[:i]
		}
		return strings.TrimSpace(value), rest, 0, nil
	}
	quote, all := value[0], value[1:]
	if rest != "" {
		all += "\n" + rest
	}
	var out strings.Builder
	for i := 0; i < len(all); i++ {
		switch ch := all[i]; {
		case ch == quote:
			_, more, _ = strings.Cut(all[i+1:], "\n")
			return out.String(), more, strings.Count(all[:i], "\n"), nil
		case ch == '\\' && quote == '"' && i+1 < len(all):
			i++
			out.WriteString(envEscape(all[i]))
		default:
			out.WriteByte(ch)
		}
	}
	return "", "", 0, errOpenQuote
}

func envEscape(ch byte) string {
	switch ch {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$':
		return string(ch)
	}
	return `\` + string(ch)
}
