package main

// settingsHelp is the short manual of [settings] for a terminal. Indented lines are shown as they are.
const settingsHelp = `Settings are taken from flags, else the environment, else the file .env, else config.yaml. Names are not case-sensitive.

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
  APPLICATION__LOG_LEVEL                  INFO; on a terminal WARNING
  FERRY_DATA_DIR                          ./ferry-data
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

Exit codes: 0 all is right; 1 it failed or a setting is not right, and a sentence says why; 2 the command line is not right; 3 something was set aside, and all else is right; 130 and 143 a signal ended it, and what was done is kept.`
