package main

import (
	"cmp"
	"log/slog"
	"strings"

	"ferry/internal/port"
)

// settings are what Ferry can be told. Each is taken from the highest source that has it: a flag, the environment, the
// file .env in the working directory, the file config.yaml there, and then the default.
//
// A group can also be given as one JSON object, OCEAN__PORT='{"client_id":"…"}', OCEAN__INTEGRATION='{…}',
// OCEAN__INTEGRATION__CONFIG='{…}' or OCEAN__EVENT_LISTENER='{…}'; single names refine it. In config.yaml keys are camelCase or snake_case
// (integration.config.jiraHost), and Ferry's own stand under "ferry" (ferry.dataDir).
type settings struct {
	// JiraHost is the Jira site, https://acme.atlassian.net, or for scoped tokens the gateway,
	// https://api.atlassian.com/ex/jira/<cloudId>. Required. OCEAN__INTEGRATION__CONFIG__JIRA_HOST, --jira-host
	JiraHost string

	// JiraEmail is the e-mail of the account that the token belongs to; at Data Center the name of the user whose
	// password the token is. Scoped tokens of service accounts and personal access tokens go without.
	// OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL, --jira-email
	JiraEmail string

	// JiraToken is the account's API token, or at Data Center a personal access token. Required unless Login has
	// others. OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN, or the content of the file --jira-token-file
	JiraToken secret

	// Login is how to log in to Jira, and Connection how to reach it.
	Login      login
	Connection connection

	// PortClientID and PortClientSecret are credentials of Port. Both or neither: without them Ferry fills its local
	// catalogue alone. OCEAN__PORT__CLIENT_ID, --port-client-id; OCEAN__PORT__CLIENT_SECRET
	PortClientID     string
	PortClientSecret secret

	// PortBaseURL is Port's API in your region. Default https://api.getport.io. OCEAN__PORT__BASE_URL, --port-base-url
	PortBaseURL string

	// Identifier is the integration's in Port. Default my-<type>-integration, so my-jira-integration.
	// OCEAN__INTEGRATION__IDENTIFIER, --identifier
	Identifier string

	// Type is the integration's type in Port, in lower case. Default jira. OCEAN__INTEGRATION__TYPE
	Type string

	// InitializeResources says whether the blueprints and the mapping are made in Port where it has none. Default
	// true; also false, 1, 0, yes, no, on, off. OCEAN__INITIALIZE_PORT_RESOURCES
	InitializeResources bool

	// ResourcesOrigin says who makes them: Default (Ferry's own), Empty (nobody) or Port. Default: the usual way.
	// Ocean is another word for Default. OCEAN__CREATE_PORT_RESOURCES_ORIGIN
	ResourcesOrigin string

	// Saas says that Port hosts this integration, where most are hosted by those who use them. OCEAN__RUNTIME, which is
	// OnPrem (the default) or Saas
	Saas bool

	// Retries is how often a request is sent again after the first attempt. The command says it; 0 is what each client
	// thinks right.
	Retries int

	// LogLevel is DEBUG, INFO, WARNING, ERROR or CRITICAL. Default INFO, but WARNING beside what is drawn on a terminal.
	// APPLICATION__LOG_LEVEL, --log-level
	LogLevel slog.Level
	levelSet bool

	// LogFormat is text or json. Default text. FERRY_LOG_FORMAT, --log-format
	LogFormat string

	// DataDir is the directory of the catalogue. Default ./ferry-data. FERRY_DATA_DIR, --data-dir
	DataDir string

	// MappingFile is a mapping in YAML or JSON to use instead of the one that Port keeps for the integration, and
	// Mapping its content, nil without a file. FERRY_MAPPING, --mapping
	MappingFile string
	Mapping     []byte

	// Live are the settings that ferry run has beside those of a sync.
	Live live
}

const critical = slog.LevelError + 4

// read takes every setting, and gives back all that is wrong, one sentence each.
func read(s *sources, terminal bool) (settings, []string) {
	r := &reader{sources: s}
	set := settings{
		DataDir:             r.text(dataDir, "./ferry-data"),
		InitializeResources: choice(r, initializeResources, true, booleans, "true or false"),
		ResourcesOrigin:     choice(r, resourcesOrigin, "", origins, "Default, Empty or Port"),
		Saas:                choice(r, runtimeKind, false, map[string]bool{"onprem": false, "saas": true}, "OnPrem or Saas"),
	}
	r.log(&set, terminal)
	r.jira(&set)
	r.connection(&set.Connection)
	r.port(&set)
	r.integration(&set)
	set.MappingFile, set.Mapping = r.file(mappingFile)
	// Also for a single sync, which has no use for them, so that a fault in them is not left for later.
	r.live(&set)
	return set, s.faults
}

func (r *reader) log(set *settings, terminal bool) {
	set.LogFormat = choice(r, logFormat, "text", map[string]string{"text": "text", "json": "json"}, "text or json")
	set.LogLevel = choice(r, logLevel, quietOn(terminal), logLevels, "debug, info, warning, error or critical")
	set.levelSet = r.text(logLevel, "") != ""
}

// serviceLevel is the level where nothing is drawn: the log is all that there is to see.
func (s settings) serviceLevel() slog.Level {
	if s.levelSet {
		return s.LogLevel
	}
	return slog.LevelInfo
}

func (r *reader) port(set *settings) {
	set.PortBaseURL = r.site(portBaseURL, port.DefaultBaseURL, "")
	set.PortClientID = r.text(portClientID, "")
	set.PortClientSecret = secret{r.text(portClientSecret, "")}
	switch {
	case set.PortClientID != "" && set.PortClientSecret.text == "":
		r.half(portClientSecret, portClientID)
	case set.PortClientID == "" && set.PortClientSecret.text != "":
		r.half(portClientID, portClientSecret)
	}
}

// half is the fault of one of Port's credentials without the other.
func (r *reader) half(lacks, has string) {
	state := " is missing"
	if _, ok := r.look(lacks); ok {
		state = " is empty"
	}
	r.fault(r.where(lacks) + state + ", while " + r.where(has) +
		" is set: set both for Port, or neither to fill the local catalogue alone")
}

func (r *reader) integration(set *settings) {
	set.Type = strings.ToLower(r.word(integrationType, "jira"))
	set.Identifier = cmp.Or(r.word(integrationIdentifier, ""), "my-"+set.Type+"-integration")
}

func quietOn(terminal bool) slog.Level {
	if terminal {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

var (
	logLevels = map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "warn": slog.LevelWarn,
		"error": slog.LevelError, "critical": critical,
	}
	booleans = map[string]bool{
		"true": true, "1": true, "yes": true, "on": true, "y": true, "t": true,
		"false": false, "0": false, "no": false, "off": false, "n": false, "f": false,
	}
	origins = map[string]string{"default": "Default", "ocean": "Default", "empty": "Empty", "port": "Port"}
)
