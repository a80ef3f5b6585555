package main

import (
	"slices"
	"strings"
)

// Settings by the names they have in the environment. Names are not case-sensitive; these are their canonical
// spellings.
const (
	portClientID     = "OCEAN__PORT__CLIENT_ID"
	portClientSecret = "OCEAN__PORT__CLIENT_SECRET"
	portBaseURL      = "OCEAN__PORT__BASE_URL"

	integrationIdentifier = "OCEAN__INTEGRATION__IDENTIFIER"
	integrationType       = "OCEAN__INTEGRATION__TYPE"
	jiraHost              = "OCEAN__INTEGRATION__CONFIG__JIRA_HOST"
	jiraEmail             = "OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL"
	jiraToken             = "OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN"
	accessTokenFile       = "OCEAN__OAUTH_ACCESS_TOKEN_FILE_PATH"
	verifyThirdParty      = "OCEAN__SSL__THIRD_PARTY__VERIFY"

	initializeResources = "OCEAN__INITIALIZE_PORT_RESOURCES"
	resourcesOrigin     = "OCEAN__CREATE_PORT_RESOURCES_ORIGIN"
	resyncInterval      = "OCEAN__SCHEDULED_RESYNC_INTERVAL"
	runtimeKind         = "OCEAN__RUNTIME"

	baseURL          = "OCEAN__BASE_URL"
	appHost          = "OCEAN__INTEGRATION__CONFIG__APP_HOST"
	pathPrefix       = "OCEAN__PATH_PREFIX"
	shutdownWait     = "OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN"
	listenerType     = "OCEAN__EVENT_LISTENER__TYPE"
	listenerInterval = "OCEAN__EVENT_LISTENER__INTERVAL"
	listenerOnStart  = "OCEAN__EVENT_LISTENER__RESYNC_ON_START"
	listenerAppHost  = "OCEAN__EVENT_LISTENER__APP_HOST"
	listenerResyncs  = "OCEAN__EVENT_LISTENER__SHOULD_RESYNC"
	listenerWebhooks = "OCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS"
	kafkaBrokers     = "OCEAN__EVENT_LISTENER__BROKERS"
	kafkaProtocol    = "OCEAN__EVENT_LISTENER__SECURITY_PROTOCOL"
	kafkaMechanism   = "OCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM"
	kafkaSecured     = "OCEAN__EVENT_LISTENER__KAFKA_SECURITY_ENABLED"

	logLevel   = "APPLICATION__LOG_LEVEL"
	listenPort = "APPLICATION__PORT"

	databaseURL     = "FERRY_DATABASE_URL"
	webhookSecret   = "FERRY_WEBHOOK_SECRET"
	webhookUnsigned = "FERRY_WEBHOOK_UNSIGNED"
	strictExit      = "FERRY_STRICT_EXIT"

	dataDir     = "FERRY_DATA_DIR"
	mappingFile = "FERRY_MAPPING"
	logFormat   = "FERRY_LOG_FORMAT"

	jiraLogin         = "FERRY_JIRA_LOGIN"
	oauthClientID     = "FERRY_JIRA_OAUTH_CLIENT_ID"
	oauthClientSecret = "FERRY_JIRA_OAUTH_CLIENT_SECRET"
	oauthSecretFile   = "FERRY_JIRA_OAUTH_CLIENT_SECRET_FILE"
	oauthRefreshToken = "FERRY_JIRA_OAUTH_REFRESH_TOKEN"
	oauthRefreshFile  = "FERRY_JIRA_OAUTH_REFRESH_TOKEN_FILE"
	oauthScope        = "FERRY_JIRA_OAUTH_SCOPE"
	oauthTokensFile   = "FERRY_JIRA_OAUTH_TOKENS_FILE"
	oauthTokenURL     = "FERRY_JIRA_OAUTH_TOKEN_URL"
	jiraCAFile        = "FERRY_JIRA_CA_FILE"
	jiraProxy         = "FERRY_JIRA_PROXY"
	jiraGateway       = "FERRY_JIRA_GATEWAY"
	jiraConcurrency   = "FERRY_JIRA_CONCURRENCY"
)

var knownNames = []string{
	portClientID, portClientSecret, portBaseURL,
	integrationIdentifier, integrationType, jiraHost, jiraEmail, jiraToken, accessTokenFile, verifyThirdParty,
	initializeResources, resourcesOrigin, resyncInterval, runtimeKind,
	baseURL, appHost, pathPrefix, shutdownWait,
	listenerType, listenerInterval, listenerOnStart, listenerAppHost, listenerResyncs, listenerWebhooks,
	kafkaBrokers, kafkaProtocol, kafkaMechanism, kafkaSecured,
	logLevel, listenPort,
	databaseURL, webhookSecret, webhookUnsigned, strictExit,
	dataDir, mappingFile, logFormat,
	jiraLogin, oauthClientID, oauthClientSecret, oauthSecretFile, oauthRefreshToken, oauthRefreshFile,
	oauthScope, oauthTokensFile, oauthTokenURL, jiraCAFile, jiraProxy, jiraGateway, jiraConcurrency,
}

// ours reports whether a name can only be meant for Ferry. OCEAN__ and APPLICATION__ have more names than Ferry uses,
// and a deployment that sets them must go on working; a FERRY_ name that Ferry does not know is a slip of the pen.
// FERRY_TEST_ names are for Ferry's own tests, which start it with their environment.
func ours(name string) bool {
	return strings.HasPrefix(name, "FERRY_") && !strings.HasPrefix(name, "FERRY_TEST_")
}

// holdsKnown reports whether name is that of a group of settings, which can be given as one JSON object.
func holdsKnown(name string) bool {
	return slices.ContainsFunc(knownNames, func(known string) bool { return strings.HasPrefix(known, name+"__") })
}

// maxSlip is how many edits away from a name something can be and still be a slip of the pen.
const maxSlip = 4

// guess says which FERRY_ name may have been meant: the one that takes the fewest edits, or any where all are far.
func guess(name string) string {
	best, least, all := "", maxSlip+1, []string{}
	for _, known := range knownNames {
		if !ours(known) {
			continue
		}
		all = append(all, known)
		if d := edits(name, known); d < least {
			best, least = known, d
		}
	}
	if best == "" {
		return "those are " + strings.Join(all, ", ")
	}
	return "did you mean " + best + "?"
}

// edits is the Levenshtein distance in bytes; names are ASCII.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
