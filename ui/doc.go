// Package ui holds the pages: templates, style, scripts, fonts, and one struct per page whose type names its template. Nothing here
// speaks HTTP or touches the store: a handler fills a struct, Render writes it. All words that people read on a page live here.
//
// Three ways out: Render writes a whole page, Live the parts of it that change while somebody looks (each an element with an id,
// sent as a server-sent event), Part a fragment on its own (a dialog, log lines).
package ui
