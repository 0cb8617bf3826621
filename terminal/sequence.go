package terminal

import "strings"

const (
	escape = 0x1b
	bell   = 0x07
)

// sequence measures the control sequence at the start of text, which is ESC (ECMA-35, ECMA-48). ok tells that it is
// one that sets colours, which are its parameters. A sequence that is broken off ends before the byte that does not
// belong to it.
func sequence(text string) (n int, colours string, ok bool) {
	if len(text) < 2 {
		return 1, "", false
	}
	switch b := text[1]; {
	case b == '[':
		return controlSequence(text)
	case strings.IndexByte("]PX^_", b) >= 0:
		return controlString(text), "", false
	case b >= 0x20 && b <= 0x2f: // such as the choice of a character set: intermediate bytes and a final one
		return final(text, skip(text, 2, 0x20, 0x2f), 0x30), "", false
	case b >= 0x30 && b <= 0x7e:
		return 2, "", false
	}
	return 1, "", false
}

// controlSequence is CSI: parameters, intermediate bytes, a final byte.
func controlSequence(text string) (n int, colours string, ok bool) {
	parameters := skip(text, 2, 0x30, 0x3f)
	n = final(text, skip(text, parameters, 0x20, 0x2f), 0x40)
	colours = text[2:parameters]
	ok = n == parameters+1 && text[parameters] == 'm' && strings.Trim(colours, "0123456789;:") == ""
	return n, colours, ok
}

// controlString is OSC, DCS, SOS, PM or APC: up to BEL or ST. Another ESC or the end of the line breaks it off.
func controlString(text string) int {
	for i := 2; i < len(text); i++ {
		switch text[i] {
		case bell:
			return i + 1
		case '\n':
			return i
		case escape:
			if strings.HasPrefix(text[i+1:], `\`) {
				return i + 2
			}
			return i
		}
	}
	return len(text)
}

// skip is the first index from on whose byte is not between low and high.
func skip(text string, from int, low, high byte) int {
	for from < len(text) && text[from] >= low && text[from] <= high {
		from++
	}
	return from
}

// final is the index after the final byte at i, which lies between low and '~'; i when that byte is none.
func final(text string, i int, low byte) int {
	if i < len(text) && text[i] >= low && text[i] <= '~' {
		return i + 1
	}
	return i
}
