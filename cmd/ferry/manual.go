package main

// The short manuals of [settings] for a terminal. Indented lines are shown as they are.
const (
	syncManual = settingsOfSync + syncCodes
	runManual  = settingsOfSync + settingsOfRun + runCodes
	runHelp    = whatRunDoes + runManual
)

const whatRunDoes = `Everything is read once, at the start. From then on Jira's webhooks say what has changed, and what no webhook tells of is asked for at a steady beat. Ctrl-C or SIGTERM ends it; what is left to do is kept. It answers at port 8000: /integration/webhook, /health/live, /health/ready, /health/fresh and /metrics.

`

const settingsOfSync = `Settings are taken from flags, else the environment, else the file .env, else config.yaml. Names are not case-sensitive.

  OCEAN__INTEGRATION__CONFIG__JIRA_HOST
      the site, like https://acme.atlassian.net; required
  OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL
      of the account that reads it; a service account's token goes without
  OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN
      its API token, or --jira-token-file; required for most logins
  OCEAN__OAUTH_ACCESS_TOKEN_FILE_PATH
      a file in which another program keeps an access token up to date
  OCEAN__PORT__CLIENT_ID, OCEAN__PORT__CLIENT_SECRET
      without them: the local catalogue alone
  OCEAN__PORT__BASE_URL                   https://api.getport.io
  OCEAN__INTEGRATION__IDENTIFIER          my-jira-integration
  OCEAN__INTEGRATION__TYPE                jira
  OCEAN__INITIALIZE_PORT_RESOURCES        true
  OCEAN__CREATE_PORT_RESOURCES_ORIGIN     Default, Empty or Port
  OCEAN__RUNTIME                          OnPrem, or Saas
  OCEAN__SSL__THIRD_PARTY__VERIFY         true; false trusts any certificate
  APPLICATION__LOG_LEVEL                  INFO; beside progress bars WARNING
  FERRY_DATA_DIR                          ./ferry-data
  FERRY_DATABASE_URL
      postgres://user:password@host/database, instead of a directory
  FERRY_MAPPING                           a file; else Port's own mapping
  FERRY_LOG_FORMAT                        text, or json
  FERRY_JIRA_LOGIN                        automatic: what Jira accepts;
      or basic, bearer, token-file, oauth, client-credentials
  FERRY_JIRA_OAUTH_CLIENT_ID, FERRY_JIRA_OAUTH_CLIENT_SECRET
      of the app, or of a service account's credential
  FERRY_JIRA_OAUTH_CLIENT_SECRET_FILE     a file with it
  FERRY_JIRA_OAUTH_REFRESH_TOKEN          what authorizing the app gave
  FERRY_JIRA_OAUTH_REFRESH_TOKEN_FILE     a file with it
  FERRY_JIRA_OAUTH_TOKENS_FILE            jira-tokens.json where the data is
  FERRY_JIRA_OAUTH_SCOPE                  of client-credentials
  FERRY_JIRA_OAUTH_TOKEN_URL              at Data Center the site's own
  FERRY_JIRA_CA_FILE                      authorities to trust too, as PEM
  FERRY_JIRA_PROXY                        a URL; else HTTPS_PROXY and NO_PROXY
  FERRY_JIRA_GATEWAY                      https://api.atlassian.com
  FERRY_JIRA_CONCURRENCY                  10 requests at once; 1 to 100
`

const settingsOfRun = `
Of what goes on all the time:

  OCEAN__BASE_URL
      the address at which Jira reaches ferry, like
      https://ferry.acme.example; without it no webhook is registered, and
      Jira is asked every minute. OCEAN__INTEGRATION__CONFIG__APP_HOST is
      its former name
  OCEAN__PATH_PREFIX                      before all paths but /resync
  APPLICATION__PORT                       8000
  OCEAN__SCHEDULED_RESYNC_INTERVAL        minutes; none follows the first
  OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN 5 seconds
  OCEAN__EVENT_LISTENER__TYPE             POLLING: asks Port for resyncs;
      or WEBHOOK, KAFKA, ONCE, WEBHOOKS_ONLY
  OCEAN__EVENT_LISTENER__INTERVAL         of POLLING: 60 seconds
  OCEAN__EVENT_LISTENER__RESYNC_ON_START  true
  OCEAN__EVENT_LISTENER__APP_HOST         of WEBHOOK: where Port reaches us
  OCEAN__EVENT_LISTENER__SHOULD_RESYNC    true
  OCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS
      true
  OCEAN__EVENT_LISTENER__BROKERS          of KAFKA: Port's, in Europe
  OCEAN__EVENT_LISTENER__SECURITY_PROTOCOL
      SASL_SSL
  OCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM
      SCRAM-SHA-512
  OCEAN__EVENT_LISTENER__KAFKA_SECURITY_ENABLED
      true
  FERRY_WEBHOOK_SECRET                    else made of Port's client secret
  FERRY_WEBHOOK_UNSIGNED                  refuse; accept takes what nothing
      proves to be Jira's
  FERRY_STRICT_EXIT                       false; of ONCE: 3 where something
      was set aside
`

const syncCodes = `
Exit codes: 0 all is right; 1 it failed or a setting is not right, and a sentence says why; 2 the command line is not right; 3 something was set aside, and all else is right; 130 and 143 a signal ended it, and what was done is kept.`

const runCodes = `
Exit codes: 0 a signal ended it, and what is left to do is kept; 1 it cannot go on or a setting is not right, and a sentence says why; 2 the command line is not right. Of the listener ONCE: those of sync, but 0 where something was set aside.`
