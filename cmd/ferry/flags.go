package main

import (
	"fmt"
	"os"
	"strings"
)

// settingFlags are the settings that a person at a terminal may want to give. Secrets are not among them: a command
// line is seen by everybody on the machine.
type settingFlags struct {
	JiraHost      string `placeholder:"URL"     help:"The Jira site, like https://acme.atlassian.net."`
	JiraEmail     string `placeholder:"E-MAIL"  help:"The account that reads Jira."`
	JiraTokenFile string `placeholder:"FILE"    help:"A file with the account's API token."`
	PortClientID  string `placeholder:"ID"      help:"Port's client id. Its secret comes from the environment or a file."`
	PortBaseURL   string `placeholder:"URL"     help:"Port's API (https://api.getport.io)." name:"port-base-url"`
	Identifier    string `placeholder:"NAME"    help:"The integration's identifier in Port (my-jira-integration)."`
	Mapping       string `placeholder:"FILE"    help:"A mapping to use instead of the one that Port keeps."`
}

// logFlags are for every command that works.
type logFlags struct {
	LogLevel  string `short:"l" placeholder:"LEVEL" help:"debug, info, warning, error or critical."`
	LogFormat string `placeholder:"FORM"  help:"text or json."`
}

// outputFlags say how a command shows what it does.
type outputFlags struct {
	Plain bool `help:"Print lines instead of progress bars."`
	JSON  bool `help:"Print the report as JSON." name:"json"`
}

// layer is what the flags set. A flag that is not given, or given empty, sets nothing.
func (f settingFlags) layer() (layer, []string) {
	l := layer{}
	l.put(jiraHost, "--jira-host", f.JiraHost)
	l.put(jiraEmail, "--jira-email", f.JiraEmail)
	l.put(portClientID, "--port-client-id", f.PortClientID)
	l.put(portBaseURL, "--port-base-url", f.PortBaseURL)
	l.put(integrationIdentifier, "--identifier", f.Identifier)
	l.put(mappingFile, "--mapping", f.Mapping)
	return l, l.putFile(jiraToken, "--jira-token-file", f.JiraTokenFile)
}

// put adds what the log flags set.
func (f logFlags) put(l layer) {
	l.put(logLevel, "--log-level", f.LogLevel)
	l.put(logFormat, "--log-format", f.LogFormat)
}

func (l layer) put(name, flag, text string) {
	if text = strings.TrimSpace(text); text != "" {
		l[name] = value{text, flag}
	}
}

// putFile sets a secret to what a file holds. A file that cannot be read sets it as well, so that there is one fault
// and not a second one about a missing setting.
func (l layer) putFile(name, flag, path string) (faults []string) {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	text := strings.TrimSpace(string(content))
	switch {
	case err != nil:
		faults = append(faults, fmt.Sprintf("%s is %q, which cannot be read: %s", flag, path, reason(err)))
		text = redacted
	case text == "":
		faults = append(faults, fmt.Sprintf("%s is %q, which is empty: it should hold the API token", flag, path))
		text = redacted
	}
	l[name] = value{text, flag}
	return faults
}
