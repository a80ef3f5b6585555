// Command ferry carries Jira into Port, and keeps Port's catalogue true to Jira.
//
//	ferry run        keeps Port true to Jira until it is told to end
//	ferry sync       reads the Jira site and makes Port right, once
//	ferry check      says whether all this can work, and what to do if not
//	ferry webhooks   shows, makes and removes what Jira tells Ferry by
//	ferry demo       does the same with a simulated Jira, no account needed
//	ferry version    says which ferry this is
//
// Settings come from flags, the environment, .env and config.yaml; [settings] is their manual. Exit codes are 0 when
// everything is right, 1 for a failure or a setting that is not right, 2 for a command line that is not, 3 when something was set
// aside, and 130 or 143 after SIGINT or SIGTERM, which end ferry run with 0.
//
// This is the only place that reads flags and the environment, and where the other packages are put together.
package main
