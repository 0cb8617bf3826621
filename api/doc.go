// Package api is how programs speak to Cloudsania: the JSON of /api/v1 and a client for it. These types are the promise
// made to others, so they are separate from the nouns in paas: those can change, these only grow. None of them can
// carry a secret's value back out; the two that hand out a new credential say so in their names.
package api

// Prefix of every path.
const Prefix = "/api/v1"
