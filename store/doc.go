// Package store is what control must remember: one bbolt file. Everything but a Tx is safe for concurrent use.
//
// The nouns are methods of Tx. View gives a function one consistent state; in Change everything that the function does, the events of it
// and the claim of the request's idempotency key are one transaction. Watch tells what was committed.
//
// Each value is a record: a format byte, a CRC-32C over bucket, key and payload, then the payload. The payload is JSON unless the tree
// says otherwise. A record that does not match its checksum, or stands at another key than it was written to, is an error that says
// so (ErrCorrupt), never a wrong answer. A change and its event share a transaction; the bookkeeping of machines (steps, addresses,
// samples, times of last use, idempotency keys) has no event.
//
// Schema 2. "/" stands between the parts of a key, n and t are 8 bytes big endian (t: Unix nanoseconds), target is environment/app:
//
//	meta               schema → number                      settings → paas.Settings
//	                   server → paas.Server                 generation → number, of the edge's table
//	                   sequence → number                    subnet → prefix that was handed out last
//	                   head → of the event chain, sealed    keycheck → sealed constant
//	                   claim → paas.Claim                   usage_folded → segment of samples that was folded last
//	team               id → paas.Team
//	client             id → paas.Client
//	project            id → paas.Project
//	project_name       client/name → project id
//	environment        id → paas.Environment + address that was handed out last
//	environment_name   project/name → environment id
//	app                id → paas.App
//	app_name           project/name → app id
//	placement          target → paas.AppEnvironment
//	variables          target/version → sealed, that version
//	host               host name → paas.Host
//	build              id → paas.Build                      build_of           app/n → id
//	release            id → paas.Release                    release_of         target/number → id
//	release_variables  id → sealed, version number
//	deployment         id → paas.Deployment + n             deployment_of      target/n → id
//	unfinished         n → deployment id
//	instance           id → paas.Instance                   instance_of        target/id → nothing, while not gone
//	instance_gone      target/n → id, of the last ones
//	removal            app id → Removed
//	event              n → paas.Event, see chain.go         event_of           id/n → nothing; id: subject, actor, what the path names
//	event_personal     n → names and addresses, erasable
//	user               id → paas.User + TOTP state          user_email         address → user id
//	identity           provider/subject → user id           totp               user id → sealed
//	membership         user/id → paas.Membership            role               name → paas.RoleDefinition
//	session            hash → paas.Session                  session_of         user/hash → nothing
//	token              id → paas.Token                      token_hash         hash → token id
//	usage_day          day/target → paas.UsageDay
//	usage              t/n → samples, binary, and their series in usage_series and usage_of: only until package meter has
//	                   taken what earlier versions kept here, see usage_old.go
//	idempotent         hash → answer, its body sealed       idempotent_age     t/hash → nothing
//
// Sealed values are XChaCha20-Poly1305 bound to bucket, key and version: see seal.go. A change of this tree is a new schema version and a
// migration: see migrate.go.
package store
