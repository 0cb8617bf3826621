// Package server is control's door: pages and JSON API, behind two unix sockets. control.sock is for the machine's own administrator,
// told by the peer's credentials; web.sock takes what the edge forwards and is never more than what a session or token allows.
//
// Every address is a Route of one table (routes): method, path, action, resource, handler. The gate asks access.Authorize about each
// request before its handler runs; nothing is mounted outside the table, and a test walks it with every sort of principal.
package server
