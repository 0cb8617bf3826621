package rest

// For the tests in rest_test, which need a whole server around the API.
var (
	OpenAPI   = openAPI
	Templated = templated
)

// Masked is what stands for a value.
const Masked = masked
