package paas

import (
	"encoding/json"
	"maps"
	"slices"
)

// EventName says what happened: a noun, a dot, and a verb in the past.
type EventName string

const (
	EventInstallationCreated   EventName = "installation.created"
	EventSettingsChanged       EventName = "settings.changed"
	EventDatabaseMigrated      EventName = "database.migrated"
	EventDatabaseSteppedBack   EventName = "database.stepped_back"
	EventClaimOffered          EventName = "claim.offered"
	EventUserCreated           EventName = "user.created"
	EventUserUpdated           EventName = "user.updated"
	EventUserTOTPSet           EventName = "user.totp_set"
	EventMembershipGranted     EventName = "membership.granted"
	EventMembershipEnded       EventName = "membership.ended"
	EventSessionCreated        EventName = "session.created"
	EventSessionRefused        EventName = "session.refused"
	EventSessionEnded          EventName = "session.ended"
	EventSessionsEnded         EventName = "session.ended_all"
	EventTokenCreated          EventName = "token.created"
	EventTokenRevoked          EventName = "token.revoked"
	EventAppCreated            EventName = "app.created"
	EventAppUpdated            EventName = "app.updated"
	EventAppRenamed            EventName = "app.renamed"
	EventAppDeleted            EventName = "app.deleted"
	EventAppPlaced             EventName = "app.placed"
	EventAppEnvironmentUpdated EventName = "placement.updated" // its name in schema 1: hashed, so it stays
	EventVariablesChanged      EventName = "variables.changed"
	EventReleaseCreated        EventName = "release.created"
	EventDeploymentQueued      EventName = "deployment.queued"
	EventDeploymentStarted     EventName = "deployment.started"
	EventDeploymentSwitched    EventName = "deployment.switched"
	EventDeploymentSucceeded   EventName = "deployment.succeeded"
	EventDeploymentFailed      EventName = "deployment.failed"
	EventDeploymentSuperseded  EventName = "deployment.superseded"
	EventDeploymentCancelled   EventName = "deployment.cancelled"
	EventDeploymentInterrupted EventName = "deployment.interrupted"
	EventInstanceCrashing      EventName = "instance.crashing"
)

// EventDetail is what an event of one name tells besides actor, subject and path. Never a secret's value. Its members
// are kept as text, by their JSON names, and empty ones are left out.
type EventDetail interface {
	EventName() EventName
}

type (
	InstallationCreated struct{}
	SettingsChanged     struct {
		Domain string `json:"domain,omitempty"`
		Pool   string `json:"pool,omitempty"`
	}
	DatabaseMigrated struct {
		Schema int `json:"schema,omitempty,string"`
	}
	DatabaseSteppedBack struct{}
	ClaimOffered        struct{}

	UserCreated struct {
		Role Role `json:"role,omitempty"`
	}
	// UserUpdated says "changed" of what was; the values are not for everyone who reads events.
	UserUpdated struct {
		Name       string `json:"name,omitempty"`
		Email      string `json:"email,omitempty"`
		Password   string `json:"password,omitempty"`
		TOTP       string `json:"totp,omitempty"`
		Disabled   string `json:"disabled,omitempty"`
		Identities string `json:"identities,omitempty"`
	}
	UserTOTPSet       struct{}
	MembershipGranted struct {
		Role Role `json:"role,omitempty"`
	}
	MembershipEnded struct {
		Role Role `json:"role,omitempty"`
	}

	SessionCreated struct {
		UserAgent string `json:"user_agent,omitempty"`
	}
	SessionRefused struct {
		Why string `json:"why,omitempty"`
	}
	SessionEnded  struct{}
	SessionsEnded struct{}
	TokenCreated  struct {
		Name    string `json:"name,omitempty"`
		Actions string `json:"actions,omitempty"`
		Expires string `json:"expires,omitempty"`
	}
	TokenRevoked struct {
		Name string `json:"name,omitempty"`
	}

	AppCreated struct {
		Name    string `json:"name,omitempty"`
		Project string `json:"project,omitempty"`
	}
	// AppUpdated says what a setting was and is.
	AppUpdated struct {
		URL          string `json:"url,omitempty"`
		Branch       string `json:"branch,omitempty"`
		Root         string `json:"root,omitempty"`
		BuildCommand string `json:"build_command,omitempty"`
		StartCommand string `json:"start_command,omitempty"`
		HealthPath   string `json:"health_path,omitempty"`
	}
	AppRenamed struct {
		Name string `json:"name,omitempty"`
		Was  string `json:"was,omitempty"`
	}
	AppDeleted struct {
		Name      string `json:"name,omitempty"`
		Instances int    `json:"instances,omitempty,string"`
	}
	AppPlaced struct {
		Environment string `json:"environment,omitempty"` // its name
	}
	AppEnvironmentUpdated struct {
		Environment string `json:"environment,omitempty"`
		Domains     string `json:"domains,omitempty"`
		Limits      string `json:"limits,omitempty"`
		Scale       string `json:"scale,omitempty"`
	}
	// VariablesChanged has names, separated by spaces.
	VariablesChanged struct {
		Environment string `json:"environment,omitempty"`
		Set         string `json:"set,omitempty"`
		Unset       string `json:"unset,omitempty"`
	}

	ReleaseCreated struct {
		Environment string `json:"environment,omitempty"`
		Number      int    `json:"number,omitempty,string"`
		Build       string `json:"build,omitempty"`
		Note        string `json:"note,omitempty"`
	}
	DeploymentQueued struct {
		Environment string     `json:"environment,omitempty"`
		Source      SourceKind `json:"source,omitempty"`
		Commit      string     `json:"commit,omitempty"`
	}
	DeploymentStarted struct {
		Environment string `json:"environment,omitempty"`
	}
	DeploymentSwitched struct {
		Environment string `json:"environment,omitempty"`
		Number      int    `json:"number,omitempty,string"`
		Release     string `json:"release,omitempty"`
		Was         string `json:"was,omitempty"` // release
	}
	// DeploymentEnded is the detail of each way in which a deployment can end: the status is the event's name.
	DeploymentEnded struct {
		Status      Status `json:"-"`
		Environment string `json:"environment,omitempty"`
		Number      int    `json:"number,omitempty,string"`
		Step        Step   `json:"step,omitempty"`
		Message     string `json:"message,omitempty"`
	}
	InstanceCrashing struct {
		Instance string `json:"instance,omitempty"`
		Process  string `json:"process,omitempty"`
		ExitCode int    `json:"exit_code,string"`
	}
)

func (InstallationCreated) EventName() EventName   { return EventInstallationCreated }
func (SettingsChanged) EventName() EventName       { return EventSettingsChanged }
func (DatabaseMigrated) EventName() EventName      { return EventDatabaseMigrated }
func (DatabaseSteppedBack) EventName() EventName   { return EventDatabaseSteppedBack }
func (ClaimOffered) EventName() EventName          { return EventClaimOffered }
func (UserCreated) EventName() EventName           { return EventUserCreated }
func (UserUpdated) EventName() EventName           { return EventUserUpdated }
func (UserTOTPSet) EventName() EventName           { return EventUserTOTPSet }
func (MembershipGranted) EventName() EventName     { return EventMembershipGranted }
func (MembershipEnded) EventName() EventName       { return EventMembershipEnded }
func (SessionCreated) EventName() EventName        { return EventSessionCreated }
func (SessionRefused) EventName() EventName        { return EventSessionRefused }
func (SessionEnded) EventName() EventName          { return EventSessionEnded }
func (SessionsEnded) EventName() EventName         { return EventSessionsEnded }
func (TokenCreated) EventName() EventName          { return EventTokenCreated }
func (TokenRevoked) EventName() EventName          { return EventTokenRevoked }
func (AppCreated) EventName() EventName            { return EventAppCreated }
func (AppUpdated) EventName() EventName            { return EventAppUpdated }
func (AppRenamed) EventName() EventName            { return EventAppRenamed }
func (AppDeleted) EventName() EventName            { return EventAppDeleted }
func (AppPlaced) EventName() EventName             { return EventAppPlaced }
func (AppEnvironmentUpdated) EventName() EventName { return EventAppEnvironmentUpdated }
func (VariablesChanged) EventName() EventName      { return EventVariablesChanged }
func (ReleaseCreated) EventName() EventName        { return EventReleaseCreated }
func (DeploymentQueued) EventName() EventName      { return EventDeploymentQueued }
func (DeploymentStarted) EventName() EventName     { return EventDeploymentStarted }
func (DeploymentSwitched) EventName() EventName    { return EventDeploymentSwitched }
func (d DeploymentEnded) EventName() EventName     { return EventName("deployment." + d.Status) }
func (InstanceCrashing) EventName() EventName      { return EventInstanceCrashing }

// detailOf reads the details of each event.
var detailOf = map[EventName]func(map[string]string) EventDetail{
	EventInstallationCreated:   detail[InstallationCreated],
	EventSettingsChanged:       detail[SettingsChanged],
	EventDatabaseMigrated:      detail[DatabaseMigrated],
	EventDatabaseSteppedBack:   detail[DatabaseSteppedBack],
	EventClaimOffered:          detail[ClaimOffered],
	EventUserCreated:           detail[UserCreated],
	EventUserUpdated:           detail[UserUpdated],
	EventUserTOTPSet:           detail[UserTOTPSet],
	EventMembershipGranted:     detail[MembershipGranted],
	EventMembershipEnded:       detail[MembershipEnded],
	EventSessionCreated:        detail[SessionCreated],
	EventSessionRefused:        detail[SessionRefused],
	EventSessionEnded:          detail[SessionEnded],
	EventSessionsEnded:         detail[SessionsEnded],
	EventTokenCreated:          detail[TokenCreated],
	EventTokenRevoked:          detail[TokenRevoked],
	EventAppCreated:            detail[AppCreated],
	EventAppUpdated:            detail[AppUpdated],
	EventAppRenamed:            detail[AppRenamed],
	EventAppDeleted:            detail[AppDeleted],
	EventAppPlaced:             detail[AppPlaced],
	EventAppEnvironmentUpdated: detail[AppEnvironmentUpdated],
	EventVariablesChanged:      detail[VariablesChanged],
	EventReleaseCreated:        detail[ReleaseCreated],
	EventDeploymentQueued:      detail[DeploymentQueued],
	EventDeploymentStarted:     detail[DeploymentStarted],
	EventDeploymentSwitched:    detail[DeploymentSwitched],
	EventDeploymentSucceeded:   ended(Succeeded),
	EventDeploymentFailed:      ended(StatusFailed),
	EventDeploymentSuperseded:  ended(Superseded),
	EventDeploymentCancelled:   ended(StatusCancelled),
	EventDeploymentInterrupted: ended(Interrupted),
	EventInstanceCrashing:      detail[InstanceCrashing],
}

// EventNames are all there are, in alphabetical order.
func EventNames() []EventName { return slices.Sorted(maps.Keys(detailOf)) }

// Details are the details of the event by its name; nil for a name that this version does not know. What an older
// version wrote in another form is left out.
func (e Event) Details() EventDetail {
	read, known := detailOf[e.Action]
	if !known {
		return nil
	}
	return read(e.Detail)
}

// DetailMap is the form in which an event keeps its details.
func DetailMap(d EventDetail) map[string]string {
	raw, err := json.Marshal(d)
	out := map[string]string{}
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		panic(err) // members are texts, or numbers that are written as such
	}
	return out
}

func detail[D EventDetail](kept map[string]string) EventDetail {
	var d D
	read(kept, &d)
	return d
}

func ended(status Status) func(map[string]string) EventDetail {
	return func(kept map[string]string) EventDetail {
		d := DeploymentEnded{Status: status}
		read(kept, &d)
		return d
	}
}

// read sets the members of d one by one, so that one which cannot be read costs only itself.
func read(kept map[string]string, d any) {
	for name, text := range kept {
		raw, err := json.Marshal(map[string]string{name: text})
		if err == nil {
			_ = json.Unmarshal(raw, d)
		}
	}
}
