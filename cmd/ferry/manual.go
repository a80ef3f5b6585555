package main

// settingsHelp is the short manual of [settings] for a terminal. Indented lines are shown as they are.
const settingsHelp = `Settings are taken from flags, else the environment, else the file .env, else config.yaml. Names are not case-sensitive.

  OCEAN__INTEGRATION__CONFIG__JIRA_HOST
      the site, like https://acme.atlassian.net; required
  OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL
      of the account that reads it; required at atlassian.net
  OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN
      its API token; required, or --jira-token-file
  OCEAN__PORT__CLIENT_ID, OCEAN__PORT__CLIENT_SECRET
      without them: the local catalogue alone
  OCEAN__PORT__BASE_URL                   https://api.getport.io
  OCEAN__INTEGRATION__IDENTIFIER          my-jira-integration
  OCEAN__INTEGRATION__TYPE                jira
  OCEAN__INITIALIZE_PORT_RESOURCES        true
  OCEAN__CREATE_PORT_RESOURCES_ORIGIN     Default, Empty or Port
  OCEAN__RUNTIME                          OnPrem, or Saas
  APPLICATION__LOG_LEVEL                  INFO; on a terminal WARNING
  FERRY_DATA_DIR                          ./ferry-data
  FERRY_MAPPING                           a file; else Port's own mapping
  FERRY_LOG_FORMAT                        text, or json

Exit codes: 0 all is right; 1 it failed, and a sentence says why; 2 the command line or a setting is not right; 3 something was set aside, and all else is right; 130 and 143 a signal ended it, and what was done is kept.`
