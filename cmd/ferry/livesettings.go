package main

import (
	"context"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"ferry/internal/catalog"
)

// live are the settings of ferry run beside those of a sync.
type live struct {
	// Port is the one that is listened on, for webhooks, health and metrics. Default 8000. APPLICATION__PORT, --port
	Port int

	// BaseURL is the address at which Jira reaches Ferry. Without it no webhook is registered, and Jira is asked every
	// minute what has changed. OCEAN__BASE_URL, or where that is not given its former name,
	// OCEAN__INTEGRATION__CONFIG__APP_HOST
	BaseURL string

	// PathPrefix stands before all paths but /resync, without slashes at its ends. OCEAN__PATH_PREFIX
	PathPrefix string

	// Listener says by whom a resync is asked for.
	Listener listener

	// Every is the time between scheduled resyncs, 0 for none. OCEAN__SCHEDULED_RESYNC_INTERVAL, in minutes
	Every time.Duration

	// Grace is how long what is under way may go on after SIGTERM. Default 5 s.
	// OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN
	Grace time.Duration

	// DatabaseURL is a PostgreSQL database that several replicas share; without it the catalogue is in the data
	// directory, and there is one process. FERRY_DATABASE_URL
	DatabaseURL secret

	// WebhookSecret signs what Jira delivers. Default: derived from Port's client secret and the identifier, so that
	// every replica and every restart has the same. FERRY_WEBHOOK_SECRET
	WebhookSecret secret

	// Unsigned takes deliveries that nothing proves to be Jira's, at a limited rate. FERRY_WEBHOOK_UNSIGNED=accept
	Unsigned bool

	// StrictExit lets a run of listener type ONCE end with 3 where something was set aside. Default: with 0, so that
	// a CronJob does not do it all again. FERRY_STRICT_EXIT
	StrictExit bool
}

// listener is an event listener, in the words of the integration that Ferry replaces.
type listener struct {
	// Type is POLLING (the default), WEBHOOK, KAFKA, ONCE or WEBHOOKS_ONLY. OCEAN__EVENT_LISTENER__TYPE
	Type string
	// Interval is how often POLLING asks Port whether a resync is wanted. Default 60 s. OCEAN__EVENT_LISTENER__INTERVAL
	Interval time.Duration
	// OnStart says whether a resync is done at the start. Default true. OCEAN__EVENT_LISTENER__RESYNC_ON_START
	OnStart bool
	// AppHost is where Port reaches POST /resync of the type WEBHOOK. Required there. OCEAN__EVENT_LISTENER__APP_HOST
	AppHost string
	// Resyncs and Webhooks leave out either. Default true. OCEAN__EVENT_LISTENER__SHOULD_RESYNC,
	// OCEAN__EVENT_LISTENER__SHOULD_PROCESS_WEBHOOKS
	Resyncs, Webhooks bool

	// Brokers are those of Port's Kafka, of the type KAFKA; none are Port's European ones. With commas, or as a list.
	// OCEAN__EVENT_LISTENER__BROKERS
	Brokers []string
	// SecurityProtocol is SASL_SSL (the default), SASL_PLAINTEXT, SSL or PLAINTEXT, and Mechanism SCRAM-SHA-512 (the
	// default), SCRAM-SHA-256 or PLAIN. OCEAN__EVENT_LISTENER__SECURITY_PROTOCOL,
	// OCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM; OCEAN__EVENT_LISTENER__KAFKA_SECURITY_ENABLED=false is PLAINTEXT
	SecurityProtocol, Mechanism string
}

const (
	listenPolling  = "POLLING"
	listenWebhook  = "WEBHOOK"
	listenKafka    = "KAFKA"
	listenOnce     = "ONCE"
	listenWebhooks = "WEBHOOKS_ONLY"
	listenActions  = "ACTIONS_ONLY"
)

var listenerTypes = map[string]string{
	"polling": listenPolling, "webhook": listenWebhook, "kafka": listenKafka, "once": listenOnce,
	"webhooks_only": listenWebhooks, "actions_only": listenActions,
}

var kafkaProtocols = map[string]string{
	"sasl_ssl": "SASL_SSL", "sasl_plaintext": "SASL_PLAINTEXT", "ssl": "SSL", "plaintext": "PLAINTEXT",
}

var kafkaMechanisms = map[string]string{
	"scram-sha-512": "SCRAM-SHA-512", "scram-sha-256": "SCRAM-SHA-256", "plain": "PLAIN",
}

func (r *reader) live(set *settings) {
	l := &set.Live
	l.Port = r.number(listenPort, 8000, 0, 65535)
	if l.BaseURL = r.optionalSite(baseURL); l.BaseURL == "" {
		l.BaseURL = r.optionalSite(appHost)
	}
	l.PathPrefix = r.path(pathPrefix)
	l.Every = time.Duration(r.minutes(resyncInterval)) * time.Minute
	l.Grace = time.Duration(r.number(shutdownWait, 5, 0, 3600)) * time.Second
	l.WebhookSecret = secret{r.text(webhookSecret, "")}
	l.Unsigned = choice(r, webhookUnsigned, false, map[string]bool{"accept": true, "refuse": false}, "accept or refuse")
	l.StrictExit = choice(r, strictExit, false, booleans, "true or false")
	r.database(l)
	r.listener(&l.Listener, set)
	r.proofs(set)
}

// optionalSite is the address of a service, empty if it is not given.
func (r *reader) optionalSite(name string) string {
	if r.text(name, "") == "" {
		return ""
	}
	return r.site(name, "", "")
}

// path is a path prefix without slashes at its ends.
func (r *reader) path(name string) string {
	text := strings.Trim(r.text(name, ""), "/")
	_, err := url.Parse("/" + text)
	if err != nil || strings.ContainsAny(text, "?#{} ") || path.Clean("/"+text) != "/"+text {
		r.fault(r.where(name) + " is not a path: it should be like /ferry")
	}
	return text
}

// database wants an address that the catalogue can use, and one place for the catalogue. Nothing is asked of a server.
func (r *reader) database(l *live) {
	l.DatabaseURL = secret{r.text(databaseURL, "")}
	if l.DatabaseURL.text == "" {
		return
	}
	database, err := catalog.Connect(context.Background(), catalog.Config{URL: l.DatabaseURL.text, Integration: "any"})
	if err == nil {
		err = database.Close()
	}
	if err != nil { // which holds nothing of the address
		r.fault(strings.Replace(err.Error(), databaseURL, r.where(databaseURL), 1))
	}
	if dir := r.where(dataDir); strings.HasPrefix(dir, "--") {
		r.fault(dir + " is given, while " + r.where(databaseURL) + " says that the catalogue is in PostgreSQL: leave one of them out")
	}
}

func (r *reader) listener(l *listener, set *settings) {
	l.Type = choice(r, listenerType, listenPolling, listenerTypes, "POLLING, WEBHOOK, KAFKA, ONCE or WEBHOOKS_ONLY")
	l.Interval = time.Duration(r.number(listenerInterval, 60, 1, 86400)) * time.Second
	l.OnStart = choice(r, listenerOnStart, true, booleans, "true or false")
	l.Resyncs = choice(r, listenerResyncs, true, booleans, "true or false")
	l.Webhooks = choice(r, listenerWebhooks, true, booleans, "true or false")
	switch l.Type {
	case listenActions:
		r.fault(r.where(listenerType) + " is ACTIONS_ONLY: Jira has no actions, so there would be nothing to do; use POLLING")
	case listenWebhook:
		l.AppHost = r.site(listenerAppHost, "", "set it to the address at which Port reaches POST /resync, like https://ferry.acme.example")
	case listenKafka:
		r.kafka(l, set)
	}
}

func (r *reader) kafka(l *listener, set *settings) {
	l.Brokers = r.list(kafkaBrokers, "")
	if slices.ContainsFunc(l.Brokers, oddBroker) {
		r.fault(r.where(kafkaBrokers) + " is not a list of brokers: each should be like broker.acme.example:9196")
	}
	l.SecurityProtocol = choice(r, kafkaProtocol, "SASL_SSL", kafkaProtocols, "SASL_SSL, SASL_PLAINTEXT, SSL or PLAINTEXT")
	l.Mechanism = choice(r, kafkaMechanism, "SCRAM-SHA-512", kafkaMechanisms, "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN")
	if !choice(r, kafkaSecured, true, booleans, "true or false") {
		l.SecurityProtocol = "PLAINTEXT"
	}
	if set.PortClientID == "" {
		r.fault(r.where(listenerType) + " is KAFKA, which is Port's: set " + portClientID + " and " + portClientSecret + ", or use POLLING")
	}
}

func oddBroker(broker string) bool {
	host, port, err := net.SplitHostPort(broker)
	return err != nil || host == "" || port == "" || strings.ContainsAny(host, "/@ \t")
}

// proofs wants something that proves a webhook's deliveries to be Jira's: without it none is taken. Where only one of
// Port's credentials is given, that is told already.
func (r *reader) proofs(set *settings) {
	l := set.Live
	if l.BaseURL == "" || !l.takesWebhooks() || l.Unsigned || l.WebhookSecret.text != "" || set.PortClientID != "" {
		return
	}
	if set.Login.Way == loginOAuth && set.Login.ClientSecret.text != "" {
		return // the app signs
	}
	r.fault(webhookSecret + " is missing: without Port's client secret, from which it would be derived, set it to any long text that nobody can guess")
}

// takesWebhooks: a single sync hears of nothing.
func (l live) takesWebhooks() bool { return l.Listener.Webhooks && l.Listener.Type != listenOnce }

// resyncs tells whether all of Jira is read, at times.
func (l listener) resyncs() bool { return l.Resyncs && l.Type != listenWebhooks }
