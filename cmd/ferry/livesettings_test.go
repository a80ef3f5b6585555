package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// withPort is enough to run into Port.
const withPort = enough + "OCEAN__PORT__CLIENT_ID=id\nOCEAN__PORT__CLIENT_SECRET=hush\n"

// everyLive are all settings of a run by other values than their defaults, but those of other listeners.
func everyLive(l *live) {
	l.Port, l.BaseURL, l.PathPrefix = 9000, "https://ferry.acme.example/below", "acme/jira"
	l.Every, l.Grace = time.Hour, 25*time.Second
	l.DatabaseURL, l.WebhookSecret = secret{"postgres://ferry:hush@db.example:5432/ferry"}, secret{"hush-webhook"}
	l.Unsigned, l.StrictExit = true, true
	l.Listener.Interval, l.Listener.OnStart, l.Listener.Resyncs, l.Listener.Webhooks = 5*time.Second, false, false, false
}

const everyLiveVariable = `APPLICATION__PORT=9000
OCEAN__BASE_URL=https://ferry.acme.example/below/
OCEAN__PATH_PREFIX=/acme/jira
OCEAN__SCHEDULED_RESYNC_INTERVAL=60
OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN=25
OCEAN__EVENT_LISTENER__TYPE=polling
OCEAN__EVENT_LISTENER__INTERVAL=5
OCEAN__EVENT_LISTENER__RESYNC_ON_START=false
OCEAN__EVENT_LISTENER__SHOULD_RESYNC=no
OCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS=0
FERRY_DATABASE_URL=postgres://ferry:hush@db.example:5432/ferry
FERRY_WEBHOOK_SECRET=hush-webhook
FERRY_WEBHOOK_UNSIGNED=Accept
FERRY_STRICT_EXIT=true
`

// kafkaListener is the type KAFKA with its defaults: no brokers are Port's.
func kafkaListener(l *live) {
	l.Listener.Brokers = []string{}
	l.Listener.Type, l.Listener.SecurityProtocol, l.Listener.Mechanism = "KAFKA", "SASL_SSL", "SCRAM-SHA-512"
}

func TestLiveSettingsComeFromAnySource(t *testing.T) {
	for name, test := range map[string]struct {
		given
		want func(*live)
	}{
		"the environment": {given{env: enough + everyLiveVariable}, everyLive},
		".env":            {given{env: enough, dotenv: everyLiveVariable}, everyLive},
		"config.yaml": {given{env: enough, yaml: `
application: {port: 9000}
baseUrl: https://ferry.acme.example/below/
pathPrefix: acme/jira/
scheduledResyncInterval: 60
maxWaitSecondsBeforeShutdown: 25
eventListener:
  type: POLLING
  interval: 5
  resyncOnStart: false
  shouldResync: off
  should_process_webhooks: false
ferry:
  databaseUrl: postgres://ferry:hush@db.example:5432/ferry
  webhookSecret: hush-webhook
  webhookUnsigned: accept
  strictExit: true
`}, everyLive},
		"a listener as a JSON object, refined by a name": {
			given{env: enough + `OCEAN__EVENT_LISTENER={"type":"POLLING","interval":5,"resync_on_start":true,"other":[1]}`, dotenv: "OCEAN__EVENT_LISTENER__RESYNC_ON_START=false"},
			func(l *live) { l.Listener.Interval, l.Listener.OnStart = 5*time.Second, false },
		},
		"Kafka": {given{env: withPort + "OCEAN__EVENT_LISTENER__TYPE=KAFKA"}, kafkaListener},
		"Kafka, all of it, with commas": {
			given{env: withPort + "OCEAN__EVENT_LISTENER__TYPE=kafka\nOCEAN__EVENT_LISTENER__BROKERS=a.example:9092, b.example:9092,\n" +
				"OCEAN__EVENT_LISTENER__SECURITY_PROTOCOL=sasl_plaintext\nOCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM=plain"},
			func(l *live) {
				kafkaListener(l)
				l.Listener.Brokers = []string{"a.example:9092", "b.example:9092"}
				l.Listener.SecurityProtocol, l.Listener.Mechanism = "SASL_PLAINTEXT", "PLAIN"
			},
		},
		"Kafka as a JSON object, without security": {
			given{env: withPort + `OCEAN__EVENT_LISTENER={"type":"KAFKA","brokers":["a.example:9092","b.example:9092"],"kafka_security_enabled":false}`},
			func(l *live) {
				kafkaListener(l)
				l.Listener.Brokers, l.Listener.SecurityProtocol = []string{"a.example:9092", "b.example:9092"}, "PLAINTEXT"
			},
		},
		"Kafka by config.yaml, with a list": {
			given{env: withPort, yaml: "eventListener:\n  type: KAFKA\n  brokers:\n    - a.example:9092\n    - b.example:9092\n"},
			func(l *live) { kafkaListener(l); l.Listener.Brokers = []string{"a.example:9092", "b.example:9092"} },
		},
		"a webhook of Port's": {
			given{env: enough, yaml: "eventListener: {type: WEBHOOK, appHost: 'https://ferry.acme.example/'}"},
			func(l *live) { l.Listener.Type, l.Listener.AppHost = "WEBHOOK", "https://ferry.acme.example" },
		},
		"the former name of the base URL": {
			given{env: withPort, yaml: "integration: {config: {appHost: https://ferry.acme.example/}}"},
			func(l *live) { l.BaseURL = "https://ferry.acme.example" },
		},
		"the former name beside the present one": {
			given{env: withPort + "OCEAN__BASE_URL=https://new.acme.example", yaml: "integration: {config: {appHost: https://old.acme.example}}"},
			func(l *live) { l.BaseURL = "https://new.acme.example" },
		},
		"no webhook is taken, so that nothing has to prove one": {
			given{env: enough + "OCEAN__BASE_URL=https://ferry.acme.example\nOCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS=false"},
			func(l *live) { l.BaseURL, l.Listener.Webhooks = "https://ferry.acme.example", false },
		},
		"a single sync takes none": {
			given{env: enough + "OCEAN__BASE_URL=https://ferry.acme.example\nOCEAN__EVENT_LISTENER__TYPE=ONCE"},
			func(l *live) { l.BaseURL, l.Listener.Type = "https://ferry.acme.example", "ONCE" },
		},
		"an OAuth app signs": {
			given{env: enough + "OCEAN__BASE_URL=https://ferry.acme.example\nFERRY_JIRA_LOGIN=oauth\nFERRY_JIRA_OAUTH_CLIENT_ID=app\nFERRY_JIRA_OAUTH_CLIENT_SECRET=hush\nFERRY_JIRA_OAUTH_REFRESH_TOKEN=hush"},
			func(l *live) { l.BaseURL = "https://ferry.acme.example" },
		},
		"webhooks alone": {given{env: enough + "OCEAN__EVENT_LISTENER__TYPE=Webhooks_Only"}, func(l *live) { l.Listener.Type = "WEBHOOKS_ONLY" }},
	} {
		t.Run(name, func(t *testing.T) {
			want := enoughSettings().Live
			test.want(&want)
			got, faults := test.given.read(t)
			if len(faults) > 0 {
				t.Errorf("faults = %q, want none", faults)
			}
			if diff := cmp.Diff(want, got.Live, cmp.AllowUnexported(secret{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThePathPrefixInAllItsSpellings(t *testing.T) {
	for _, spelling := range []string{"acme", "/acme", "acme/", "/acme/"} {
		set, faults := given{env: enough + "OCEAN__PATH_PREFIX=" + spelling}.read(t)
		if set.Live.PathPrefix != "acme" || len(faults) > 0 {
			t.Errorf("%s: %q, %q, want acme", spelling, set.Live.PathPrefix, faults)
		}
	}
}

const (
	noPath   = "OCEAN__PATH_PREFIX in the environment is not a path: it should be like /ferry"
	noBroker = "OCEAN__EVENT_LISTENER__BROKERS in the environment is not a list of brokers: each should be like broker.acme.example:9196"
	noProof  = "FERRY_WEBHOOK_SECRET is missing: without Port's client secret, from which it would be derived, set it to any long text that nobody can guess"
)

func TestLiveFaults(t *testing.T) {
	for name, test := range map[string]struct {
		given
		want []string
	}{
		"values that are none": {
			given{env: enough + "APPLICATION__PORT=65536\nOCEAN__BASE_URL=ferry.acme.example\nOCEAN__SCHEDULED_RESYNC_INTERVAL=0\n" +
				"OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN=-1\nOCEAN__EVENT_LISTENER__TYPE=PUSH\nOCEAN__EVENT_LISTENER__INTERVAL=0\n" +
				"OCEAN__EVENT_LISTENER__RESYNC_ON_START=maybe\nOCEAN__EVENT_LISTENER__SHOULD_RESYNC=maybe\n" +
				"OCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS=maybe\nFERRY_WEBHOOK_SECRET=hush\nFERRY_WEBHOOK_UNSIGNED=true\nFERRY_STRICT_EXIT=3"},
			[]string{
				`APPLICATION__PORT in the environment is "65536": it should be a number from 0 to 65535`,
				`OCEAN__BASE_URL in the environment is "ferry.acme.example": it should be a URL that begins with https://`,
				`OCEAN__SCHEDULED_RESYNC_INTERVAL in the environment is "0": it should be a number of minutes, like 60`,
				`OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN in the environment is "-1": it should be a number from 0 to 3600`,
				`FERRY_WEBHOOK_UNSIGNED in the environment is "true": it should be accept or refuse`,
				`FERRY_STRICT_EXIT in the environment is "3": it should be true or false`,
				`OCEAN__EVENT_LISTENER__TYPE in the environment is "PUSH": it should be POLLING, WEBHOOK, KAFKA, ONCE or WEBHOOKS_ONLY`,
				`OCEAN__EVENT_LISTENER__INTERVAL in the environment is "0": it should be a number from 1 to 86400`,
				`OCEAN__EVENT_LISTENER__RESYNC_ON_START in the environment is "maybe": it should be true or false`,
				`OCEAN__EVENT_LISTENER__SHOULD_RESYNC in the environment is "maybe": it should be true or false`,
				`OCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS in the environment is "maybe": it should be true or false`,
			},
		},
		"a prefix with a question": {given{env: enough + "OCEAN__PATH_PREFIX=/a?token=hush"}, []string{noPath}},
		"a prefix that goes up":    {given{env: enough + "OCEAN__PATH_PREFIX=/a/../b"}, []string{noPath}},
		"a prefix with an escape":  {given{env: enough + "OCEAN__PATH_PREFIX=/a%zz"}, []string{noPath}},
		"a listener for actions": {
			given{env: enough + "OCEAN__EVENT_LISTENER__TYPE=ACTIONS_ONLY"},
			[]string{"OCEAN__EVENT_LISTENER__TYPE in the environment is ACTIONS_ONLY: Jira has no actions, so there would be nothing to do; use POLLING"},
		},
		"Kafka without Port": {
			given{env: enough, yaml: "eventListener:\n  type: KAFKA"},
			[]string{"OCEAN__EVENT_LISTENER__TYPE in config.yaml line 2 is KAFKA, which is Port's: set OCEAN__PORT__CLIENT_ID and OCEAN__PORT__CLIENT_SECRET, or use POLLING"},
		},
		"a Kafka that cannot be": {
			given{env: withPort + "OCEAN__EVENT_LISTENER={\"type\":\"KAFKA\",\"security_protocol\":\"TLS\",\"authentication_mechanism\":\"OAUTHBEARER\",\"kafka_security_enabled\":\"maybe\"}"},
			[]string{
				`security_protocol of OCEAN__EVENT_LISTENER in the environment is "TLS": it should be SASL_SSL, SASL_PLAINTEXT, SSL or PLAINTEXT`,
				`authentication_mechanism of OCEAN__EVENT_LISTENER in the environment is "OAUTHBEARER": it should be SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN`,
				`kafka_security_enabled of OCEAN__EVENT_LISTENER in the environment is "maybe": it should be true or false`,
			},
		},
		"a broker without its port": {given{env: withPort + "OCEAN__EVENT_LISTENER__TYPE=KAFKA\nOCEAN__EVENT_LISTENER__BROKERS=a.example:9092,hush"}, []string{noBroker}},
		"a broker as a URL":         {given{env: withPort + "OCEAN__EVENT_LISTENER__TYPE=KAFKA\nOCEAN__EVENT_LISTENER__BROKERS=https://hush:9092"}, []string{noBroker}},
		"a webhook of Port's that leads nowhere": {
			given{env: enough + "OCEAN__EVENT_LISTENER__TYPE=WEBHOOK"},
			[]string{"OCEAN__EVENT_LISTENER__APP_HOST is missing: set it to the address at which Port reaches POST /resync, like https://ferry.acme.example"},
		},
		"a base URL, and nothing that proves what comes": {given{env: enough + "OCEAN__BASE_URL=https://ferry.acme.example"}, []string{noProof}},
		"a former name of it likewise":                   {given{env: enough + "OCEAN__INTEGRATION__CONFIG__APP_HOST=https://ferry.acme.example"}, []string{noProof}},
		"a base URL, and half of Port's credentials": {
			given{env: enough + "OCEAN__BASE_URL=https://ferry.acme.example\nOCEAN__PORT__CLIENT_ID=id"},
			[]string{"OCEAN__PORT__CLIENT_SECRET is missing, while OCEAN__PORT__CLIENT_ID in the environment is set: " + both},
		},
		"another database": {
			given{env: enough + "FERRY_DATABASE_URL=mysql://ferry:hush@db.example/ferry"},
			[]string{"FERRY_DATABASE_URL in the environment is no address of a PostgreSQL database: it looks like postgres://user:password@host:5432/database"},
		},
		"a password that is not quoted": {
			given{env: enough, dotenv: "FERRY_DATABASE_URL=postgres://ferry:hu@sh@db.example/ferry"},
			[]string{"FERRY_DATABASE_URL in .env line 1 cannot be read: it looks like postgres://user:password@host:5432/database, and of the password's characters @ : / ? # % and spaces are written as %40 %3A %2F %3F %23 %25 and %20"},
		},
		"two places for one catalogue": {
			given{env: enough + "FERRY_DATABASE_URL=postgres://ferry:hush@db.example/ferry", flags: layer{dataDir: {"here", "--data-dir"}}},
			[]string{"--data-dir is given, while FERRY_DATABASE_URL in the environment says that the catalogue is in PostgreSQL: leave one of them out"},
		},
		"names of Ferry's misspelled": {
			given{env: enough + "FERRY_DATABASE_URI=x\nFERRY_WEBHOOKS_SECRET=hush", yaml: "ferry: {unsignedWebhooks: accept}"},
			[]string{
				"FERRY_DATABASE_URI in the environment is not a setting of Ferry: did you mean FERRY_DATABASE_URL?",
				"FERRY_WEBHOOKS_SECRET in the environment is not a setting of Ferry: did you mean FERRY_WEBHOOK_SECRET?",
				"FERRY_UNSIGNED_WEBHOOKS in config.yaml line 1 is not a setting of Ferry: " + guess("FERRY_UNSIGNED_WEBHOOKS"),
			},
		},
	} {
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

// What is on the terminal decides how much is logged: a service has nothing but its log.
func TestAServiceLogsWhatItDoes(t *testing.T) {
	for level, want := range map[string]string{"": "INFO", "APPLICATION__LOG_LEVEL=warning": "WARN", "APPLICATION__LOG_LEVEL=debug": "DEBUG"} {
		set, _ := read(gather(nil, surroundings{[]string{level}, t.TempDir()}), true)
		if got := set.serviceLevel().String(); got != want {
			t.Errorf("level with %q = %s, want %s", level, got, want)
		}
	}
}
