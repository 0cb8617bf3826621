// Package proxy is the edge: the process on ports 80 and 443 that routes requests to instances, and control's client
// for it.
//
// Control sends a paas.Table; the edge writes it down (<data>/table.json), then obeys. It serves on its own: with
// control away it goes on with the last table, and renews certificates. Each edge process answers control on
// <data>/<pid>.sock.
//
//	PUT  /table     a paas.Table; 204 once it is on disk and in force
//	GET  /status    a paas.EdgeStatus
//	POST /handover  {"exe", "args"}; 204 once a successor has the listeners and this process only drains
//
// # What is promised in a swap
//
// A request claims an instance: it counts itself there and then looks whether the table is still the one that named it.
// So once a table without an instance is in force and that instance's active count is zero, no request will ever go to
// it. A dial that is refused, or an idle connection that is closed before any answer, resolves the route again. No
// client's connection is closed for a new table or certificate, and no timer ends a stream.
package proxy
