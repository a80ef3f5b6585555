package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// given is what stands in the sources of a test.
type given struct {
	flags  layer
	env    string // NAME=value lines
	dotenv string
	yaml   string
}

func (g given) read(t *testing.T) (settings, []string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{".env": g.dotenv, "config.yaml": g.yaml} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := strings.FieldsFunc(g.env, func(r rune) bool { return r == '\n' })
	return read(gather(g.flags, surroundings{env, dir}), false)
}

// Enough to run, for tests that are about something else.
const (
	enough     = "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=https://acme.atlassian.net\n" + credential
	credential = "OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL=sam@acme.example\nOCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN=hush\n"
)

func enoughSettings() settings {
	return settings{
		JiraHost: "https://acme.atlassian.net", JiraEmail: "sam@acme.example", JiraToken: secret{"hush"},
		PortBaseURL: "https://api.getport.io", Identifier: "my-jira-integration", Type: "jira", Login: login{Way: "automatic"},
		InitializeResources: true, LogFormat: "text", DataDir: "./ferry-data", Live: live{
			Port: 8000, Grace: 5 * time.Second,
			Listener: listener{Type: "POLLING", Interval: time.Minute, OnStart: true, Resyncs: true, Webhooks: true},
		},
	}
}

var fromAnySource = map[string]struct {
	given
	want func(*settings)
}{
	"defaults": {given{env: enough}, func(*settings) {}},
	"every name": {given{env: enough + `OCEAN__PORT__CLIENT_ID=id
OCEAN__PORT__CLIENT_SECRET=psst
OCEAN__PORT__BASE_URL=https://api.us.getport.io/
OCEAN__INTEGRATION__IDENTIFIER=Acme-Jira
OCEAN__INTEGRATION__TYPE=JIRA
OCEAN__INITIALIZE_PORT_RESOURCES=No
OCEAN__CREATE_PORT_RESOURCES_ORIGIN=ocean
OCEAN__SCHEDULED_RESYNC_INTERVAL=60
OCEAN__RUNTIME=Saas
APPLICATION__LOG_LEVEL=Critical
FERRY_DATA_DIR=/data
FERRY_LOG_FORMAT=JSON`}, func(s *settings) {
		s.PortClientID, s.PortClientSecret, s.PortBaseURL = "id", secret{"psst"}, "https://api.us.getport.io"
		s.Identifier, s.Type = "Acme-Jira", "jira"
		s.InitializeResources, s.ResourcesOrigin, s.Saas = false, "Default", true
		s.LogLevel, s.levelSet, s.LogFormat, s.DataDir = critical, true, "json", "/data"
		s.Live.Every = time.Hour
	}},
	"the identifier follows the type": {
		given{env: enough + "OCEAN__INTEGRATION__TYPE=Jira-Server"},
		func(s *settings) { s.Type, s.Identifier = "jira-server", "my-jira-server-integration" },
	},
	"names in any case": {
		given{env: strings.ToLower(enough[:37]) + enough[37:] + "ocean__Port__base_URL=https://p.example\nFerry_Data_Dir=d"},
		func(s *settings) { s.PortBaseURL, s.DataDir = "https://p.example", "d" },
	},
	"capitals win over another case": {
		given{env: enough + "ferry_data_dir=small\nFERRY_DATA_DIR=capital"},
		func(s *settings) { s.DataDir = "capital" },
	},
	"the environment over .env over config.yaml": {
		given{
			env:    enough + "FERRY_DATA_DIR=from-env",
			dotenv: "FERRY_DATA_DIR=from-dotenv\nOCEAN__INTEGRATION__IDENTIFIER=from-dotenv\n",
			yaml:   "ferry: {dataDir: from-yaml}\nintegration:\n  identifier: from-yaml\n  type: from-yaml\n",
		},
		func(s *settings) { s.DataDir, s.Identifier, s.Type = "from-env", "from-dotenv", "from-yaml" },
	},
	"flags over the environment": {
		given{env: enough + "FERRY_DATA_DIR=from-env", flags: layer{dataDir: {"from-flag", "--data-dir"}}},
		func(s *settings) { s.DataDir = "from-flag" },
	},
	"an empty variable hides the sources below": {
		given{env: enough + "OCEAN__PORT__CLIENT_ID=\nOCEAN__PORT__CLIENT_SECRET=", dotenv: "OCEAN__PORT__CLIENT_ID=id\nOCEAN__PORT__CLIENT_SECRET=psst"},
		func(*settings) {},
	},
	".env in its forms": {
		given{env: enough, dotenv: "# a comment\n\nexport FERRY_DATA_DIR='with space'  # why\nocean__port__base_url: \"https://p.example\"\n"},
		func(s *settings) { s.DataDir, s.PortBaseURL = "with space", "https://p.example" },
	},
	"dollars in .env": {
		given{env: enough, dotenv: `A=ref
FERRY_DATA_DIR=a$BC$1$(d)e${A}$$X
OCEAN__INTEGRATION__IDENTIFIER='$A'
OCEAN__PORT__CLIENT_ID="$A"
OCEAN__PORT__CLIENT_SECRET=\$A=#b`},
		func(s *settings) {
			s.DataDir, s.Identifier = "a$BC$1$(d)eref$$X", "$A"
			s.PortClientID, s.PortClientSecret = "$A", secret{"$A=#b"}
		},
	},
	"a JSON object in .env, bare and quoted": {
		given{env: enough, dotenv: `OCEAN__PORT={"client_id":"id","client_secret":"psst"}
OCEAN__INTEGRATION='{"identifier":"with \"quotes\""}'
OCEAN__INTEGRATION__IDENTIFIER=plain`},
		func(s *settings) {
			s.PortClientID, s.PortClientSecret, s.Identifier = "id", secret{"psst"}, "plain"
		},
	},
	"a group as a JSON object": {
		given{env: `OCEAN__PORT={"client_id":"id","CLIENT_SECRET":"psst"}
OCEAN__INTEGRATION={"identifier":"blob","type":"Jira","config":{"jira_host":"https://acme.atlassian.net/","atlassian_user_email":"sam@acme.example","atlassian_user_token":"hush","unknown":[1]},"other":null}`},
		func(s *settings) {
			s.PortClientID, s.PortClientSecret, s.Identifier = "id", secret{"psst"}, "blob"
		},
	},
	"a config as a JSON object wins over the one inside its group": {
		given{env: `OCEAN__INTEGRATION={"config":{"jira_host":"https://inner.atlassian.net","atlassian_user_token":"hush"}}
OCEAN__INTEGRATION__CONFIG={"jira_host":"https://acme.atlassian.net","atlassian_user_email":"sam@acme.example"}`},
		func(*settings) {},
	},
	"a nested name in .env refines an object in the environment": {
		given{env: enough + `OCEAN__PORT={"client_id":"id","client_secret":"psst","base_url":"https://blob.example"}`, dotenv: "OCEAN__PORT__BASE_URL=https://nested.example"},
		func(s *settings) {
			s.PortClientID, s.PortClientSecret, s.PortBaseURL = "id", secret{"psst"}, "https://nested.example"
		},
	},
	"numbers and booleans in objects": {
		given{env: enough + `OCEAN__PORT={"client_id":12,"client_secret":true}`},
		func(s *settings) { s.PortClientID, s.PortClientSecret = "12", secret{"true"} },
	},
	"config.yaml in both spellings, with references": {
		given{
			env: "SECRET_OF_OURS=hush\nhost=https://acme.atlassian.net", dotenv: "MAIL=sam@acme.example",
			yaml: `# as the incumbent ships it
initializePortResources: false
create_port_resources_origin: Empty
application: {logLevel: debug}
integration:
  identifier: "{{ from env NOT_SET }}"
  config: &config
    jiraHost: "{{from env HOST}}"
    atlassian_user_email: "{{ from env MAIL }}"
    atlassianUserToken: '{{ from env SECRET_OF_OURS }}'
port:
  baseURL: https://p.example
  clientId: null
unused: *config
eventListener: {type: POLLING}
`},
		func(s *settings) {
			s.InitializeResources, s.ResourcesOrigin, s.LogLevel, s.levelSet = false, "Empty", slog.LevelDebug, true
			s.PortBaseURL = "https://p.example"
		},
	},
	"names that Ferry does not use": {
		given{env: enough + "OCEAN__METRICS__ENABLED=maybe\nOCEAN__STREAMING={not json\nAPPLICATION__ENABLE_HTTP_LOGGING=false\nHOME=/\n=C:=odd"},
		func(*settings) {},
	},
	"no e-mail behind the gateway": {
		given{env: "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=https://api.atlassian.com/ex/jira/1\nOCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN=hush"},
		func(s *settings) { s.JiraHost, s.JiraEmail = "https://api.atlassian.com/ex/jira/1", "" },
	},
}

func TestSettingsComeFromAnySource(t *testing.T) {
	for name, test := range fromAnySource {
		t.Run(name, func(t *testing.T) {
			want := enoughSettings()
			test.want(&want)
			got, faults := test.given.read(t)
			if len(faults) > 0 {
				t.Errorf("faults = %q, want none", faults)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{}, secret{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

const (
	both = "set both for Port, or neither to fill the local catalogue alone"
)

var faultyGiven = map[string]struct {
	given
	want []string
}{
	"nothing at all": {given{}, []string{
		"OCEAN__INTEGRATION__CONFIG__JIRA_HOST is missing: " + hostHint,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL is missing: set it to the e-mail of the account that reads Jira",
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN is missing: set it to an API token of the same account, made at https://id.atlassian.com/manage-profile/security/api-tokens",
	}},
	"an empty one": {
		given{env: credential, dotenv: "\nOCEAN__INTEGRATION__CONFIG__JIRA_HOST=\n"},
		[]string{"OCEAN__INTEGRATION__CONFIG__JIRA_HOST in .env line 2 is empty: " + hostHint},
	},
	"a host alone": {
		given{env: credential + "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=acme"},
		[]string{`OCEAN__INTEGRATION__CONFIG__JIRA_HOST in the environment is "acme": it should be a URL that begins with https://`},
	},
	"another scheme": {
		given{env: credential + "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=ftp://acme.example"},
		[]string{`OCEAN__INTEGRATION__CONFIG__JIRA_HOST in the environment is "ftp://acme.example": it should be a URL that begins with https://`},
	},
	"a scheme alone": {
		given{env: credential + "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=https:///wiki"},
		[]string{`OCEAN__INTEGRATION__CONFIG__JIRA_HOST in the environment is "https:///wiki": it should have the name of a host after https://`},
	},
	"a password in the host": {
		given{env: credential + "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=https://sam:hush@acme.example"},
		[]string{"OCEAN__INTEGRATION__CONFIG__JIRA_HOST in the environment holds a user name or a password: it should be the address alone"},
	},
	"a query in the host": {
		given{env: credential + "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=https://acme.example?token=hush"},
		[]string{"OCEAN__INTEGRATION__CONFIG__JIRA_HOST in the environment has a part after ? or #: it should end before it"},
	},
	"a token where the e-mail belongs": {
		given{env: strings.Replace(enough, "sam@acme.example", "hush", 1)},
		[]string{"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL in the environment is not an e-mail address: it should be like sam@acme.example"},
	},
	"Port's id alone": {
		given{env: enough + "OCEAN__PORT__CLIENT_ID=id"},
		[]string{"OCEAN__PORT__CLIENT_SECRET is missing, while OCEAN__PORT__CLIENT_ID in the environment is set: " + both},
	},
	"Port's secret alone": {
		given{env: enough + "OCEAN__PORT__CLIENT_SECRET=hush"},
		[]string{"OCEAN__PORT__CLIENT_ID is missing, while OCEAN__PORT__CLIENT_SECRET in the environment is set: " + both},
	},
	"Port's id as an empty text": {
		given{env: enough + "OCEAN__PORT__CLIENT_ID=", yaml: "port: {clientId: id, clientSecret: hush}"},
		[]string{"OCEAN__PORT__CLIENT_ID in the environment is empty, while OCEAN__PORT__CLIENT_SECRET in config.yaml line 1 is set: " + both},
	},
	"words that are not among the choices": {
		given{env: enough, yaml: "initializePortResources: perhaps\ncreatePortResourcesOrigin: Nowhere\nruntime: Cloud\nscheduledResyncInterval: 1h\napplication:\n  logLevel: loud\nferry:\n  logFormat: xml\n"},
		[]string{
			`OCEAN__INITIALIZE_PORT_RESOURCES in config.yaml line 1 is "perhaps": it should be true or false`,
			`OCEAN__CREATE_PORT_RESOURCES_ORIGIN in config.yaml line 2 is "Nowhere": it should be Default, Empty or Port`,
			`OCEAN__RUNTIME in config.yaml line 3 is "Cloud": it should be OnPrem or Saas`,
			`FERRY_LOG_FORMAT in config.yaml line 8 is "xml": it should be text or json`,
			`APPLICATION__LOG_LEVEL in config.yaml line 6 is "loud": it should be debug, info, warning, error or critical`,
			`OCEAN__SCHEDULED_RESYNC_INTERVAL in config.yaml line 4 is "1h": it should be a number of minutes, like 60`,
		},
	},
	"an identifier that no header can carry": {
		given{env: enough + "OCEAN__INTEGRATION__IDENTIFIER=our jira"},
		[]string{`OCEAN__INTEGRATION__IDENTIFIER in the environment is "our jira": it should be without spaces`},
	},
	"Ferry's own names misspelled": {
		given{env: enough + "FERRY_DATADIR=x\nferry_maping=y", yaml: "ferry: {logformat: text}"},
		[]string{
			"FERRY_DATADIR in the environment is not a setting of Ferry: did you mean FERRY_DATA_DIR?",
			"ferry_maping in the environment is not a setting of Ferry: did you mean FERRY_MAPPING?",
			"FERRY_LOGFORMAT in config.yaml line 1 is not a setting of Ferry: did you mean FERRY_LOG_FORMAT?",
		},
	},
	"a name that is like none of Ferry's": {
		given{env: enough + "FERRY_SAILS=7"},
		[]string{"FERRY_SAILS in the environment is not a setting of Ferry: those are " + strings.Join(knownNames[slices.Index(knownNames, databaseURL):], ", ")},
	},
	"objects that are none": {
		given{env: enough + "OCEAN__PORT=hush\nOCEAN__INTEGRATION={\"config\":\"hush\"}", dotenv: "OCEAN__INTEGRATION__CONFIG='[\"hush\"]'"},
		[]string{
			`OCEAN__PORT in the environment is not a JSON object: it should be like {"client_id": …}`,
			`config of OCEAN__INTEGRATION in the environment is not a JSON object: it should be like {"jira_host": …}`,
			`OCEAN__INTEGRATION__CONFIG in .env line 1 is not a JSON object: it should be like {"jira_host": …}`,
		},
	},
	"a bad value inside an object": {
		given{env: credential + `OCEAN__INTEGRATION={"config":{"jira_host":"acme"}}`},
		[]string{`jira_host of config of OCEAN__INTEGRATION in the environment is "acme": it should be a URL that begins with https://`},
	},
	"a bad value by reference": {
		given{env: credential + "H=acme", yaml: "integration:\n  config:\n    jiraHost: '{{ from env H }}'"},
		[]string{`OCEAN__INTEGRATION__CONFIG__JIRA_HOST in config.yaml line 3, from H in the environment, is "acme": it should be a URL that begins with https://`},
	},
	"a required value by reference to nothing": {
		given{env: credential, yaml: "integration:\n  config:\n    jiraHost: '{{ from env H }}'"},
		[]string{`OCEAN__INTEGRATION__CONFIG__JIRA_HOST in config.yaml line 3, which refers to a variable that is not set, is empty: set it to your Jira site, like https://acme.atlassian.net`},
	},
	"a reference without quotes, and one to elsewhere": {
		given{env: enough, yaml: "port:\n  clientId: {{ from env X }}\n  clientSecret: '{{ from vault X }}'"},
		[]string{
			`config.yaml line 2 is not a key: put quotes around "{{ from env NAME }}"`,
			`OCEAN__PORT__CLIENT_SECRET in config.yaml line 3 refers to "vault": values can come from env alone`,
		},
	},
	"files that cannot be parsed": {
		given{env: enough, dotenv: "FERRY_DATA_DIR=x\nhush\n", yaml: "a: b: c"},
		[]string{
			".env line 2 is not of the form NAME=value: mend it or take it away",
			"config.yaml is not YAML: mapping values are not allowed in this context",
		},
	},
	"a mapping that is not there": {
		given{env: enough + "FERRY_MAPPING=/no/such/file.yaml"},
		[]string{`FERRY_MAPPING in the environment is "/no/such/file.yaml", which cannot be read: no such file or directory`},
	},
	"a flag": {
		given{env: enough, flags: layer{jiraHost: {"acme", "--jira-host"}}},
		[]string{`--jira-host is "acme": it should be a URL that begins with https://`},
	},
}

func TestFaultsNameTheSettingTheSourceAndTheRemedy(t *testing.T) {
	for name, test := range faultyGiven {
		t.Run(name, func(t *testing.T) {
			_, got := test.given.read(t)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if all := strings.Join(got, "\n"); strings.Contains(all, "hush") {
				t.Errorf("faults show a secret:\n%s", all)
			}
		})
	}
}

func TestMappingFileIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.yaml")
	if err := os.WriteFile(path, []byte("resources: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, faults := given{env: enough, flags: layer{mappingFile: {path, "--mapping"}}}.read(t)
	if len(faults) > 0 || got.MappingFile != path || string(got.Mapping) != "resources: []" {
		t.Errorf("mapping = %q from %q, faults %q, want the content of %q", got.Mapping, got.MappingFile, faults, path)
	}
}

func TestLogIsQuietOnATerminal(t *testing.T) {
	for terminal, want := range map[bool]slog.Level{false: slog.LevelInfo, true: slog.LevelWarn} {
		set, _ := read(gather(nil, surroundings{dir: t.TempDir()}), terminal)
		if set.LogLevel != want {
			t.Errorf("level with terminal %v = %v, want %v", terminal, set.LogLevel, want)
		}
	}
}
