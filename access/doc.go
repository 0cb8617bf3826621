// Package access is the one gate: every transport (HTTP, git, the CLI's socket, event streams) asks Authorize before it
// does anything for anybody. It is pure and denies by default: an action, a principal or a resource that the table does
// not name gets nothing. What a principal may not see looks exactly like what does not exist.
package access
