package paas

import "net/http"

// statuses has every Kind; a test says so.
var statuses = map[Kind]int{
	Internal:        http.StatusInternalServerError,
	Invalid:         http.StatusBadRequest,
	NotFound:        http.StatusNotFound,
	Conflict:        http.StatusConflict,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	Throttled:       http.StatusTooManyRequests,
	TooLarge:        http.StatusRequestEntityTooLarge,
	Unavailable:     http.StatusServiceUnavailable,
	Failed:          http.StatusUnprocessableEntity,
	Cancelled:       http.StatusConflict,
	NoSpace:         http.StatusInsufficientStorage,
}

// HTTPStatus is the status that an error of this kind is answered with. A kind of another version of the program counts as Internal.
func (k Kind) HTTPStatus() int {
	if status, ok := statuses[k]; ok {
		return status
	}
	return http.StatusInternalServerError
}
