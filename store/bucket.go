package store

import (
	"encoding/binary"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// bucket is the name of one branch of the tree in the package comment.
type bucket string

const (
	metaBucket             bucket = "meta"
	teamBucket             bucket = "team"
	clientBucket           bucket = "client"
	projectBucket          bucket = "project"
	projectNameBucket      bucket = "project_name"
	environmentBucket      bucket = "environment"
	environmentNameBucket  bucket = "environment_name"
	appBucket              bucket = "app"
	appNameBucket          bucket = "app_name"
	appEnvironmentBucket   bucket = "placement"
	variablesBucket        bucket = "variables"
	hostBucket             bucket = "host"
	buildBucket            bucket = "build"
	buildOfBucket          bucket = "build_of"
	releaseBucket          bucket = "release"
	releaseOfBucket        bucket = "release_of"
	releaseVariablesBucket bucket = "release_variables"
	deploymentBucket       bucket = "deployment"
	deploymentOfBucket     bucket = "deployment_of"
	unfinishedBucket       bucket = "unfinished"
	instanceBucket         bucket = "instance"
	instanceOfBucket       bucket = "instance_of"
	instanceGoneBucket     bucket = "instance_gone"
	removalBucket          bucket = "removal"
	eventBucket            bucket = "event"
	eventOfBucket          bucket = "event_of"
	eventPersonalBucket    bucket = "event_personal"
	userBucket             bucket = "user"
	userEmailBucket        bucket = "user_email"
	identityBucket         bucket = "identity"
	membershipBucket       bucket = "membership"
	roleBucket             bucket = "role"
	totpBucket             bucket = "totp"
	sessionBucket          bucket = "session"
	sessionOfBucket        bucket = "session_of"
	tokenBucket            bucket = "token"
	tokenHashBucket        bucket = "token_hash"
	usageDayBucket         bucket = "usage_day"
	idempotentBucket       bucket = "idempotent"
	idempotentAgeBucket    bucket = "idempotent_age"
)

func buckets() []bucket {
	return []bucket{metaBucket, teamBucket, clientBucket, projectBucket, projectNameBucket, environmentBucket, environmentNameBucket,
		appBucket, appNameBucket, appEnvironmentBucket, variablesBucket, hostBucket, buildBucket, buildOfBucket, releaseBucket, releaseOfBucket,
		releaseVariablesBucket, deploymentBucket, deploymentOfBucket, unfinishedBucket, instanceBucket, instanceOfBucket, instanceGoneBucket, removalBucket,
		eventBucket, eventOfBucket, eventPersonalBucket, userBucket, userEmailBucket, identityBucket, membershipBucket, roleBucket, totpBucket, sessionBucket, sessionOfBucket, tokenBucket, tokenHashBucket,
		usageDayBucket, idempotentBucket, idempotentAgeBucket}
}

// path joins the parts of a key.
func path(parts ...string) string { return strings.Join(parts, "/") }

// number is a key, or the last part of one, that sorts as the number does.
func number(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return string(b[:])
}

// numberAt reads the number that key ends with; 0 for a key without one.
func numberAt(key string) uint64 {
	if len(key) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(key[len(key)-8:]))
}

func targetKey(t paas.Target) string { return path(t.Environment, t.App) }

// targetAt reads the target that key is of.
func targetAt(key string) paas.Target {
	environment, app, _ := strings.Cut(key, "/")
	return paas.Target{App: app, Environment: environment}
}

// lastPart is the id that key ends with.
func lastPart(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }
