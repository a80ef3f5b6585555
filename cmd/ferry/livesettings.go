package main

import (
	"net/url"
	"strings"
	"time"
)

// live are the settings of ferry run beside those of a sync.
type live struct {
	// Port is the one that is listened on, for webhooks, health and metrics. Default 8000. APPLICATION__PORT, --port
	Port int

	// BaseURL is the address at which Jira reaches Ferry. Without it no webhook is registered, and Jira is asked every
	// minute what has changed. OCEAN__BASE_URL, or OCEAN__INTEGRATION__CONFIG__APP_HOST
	BaseURL string

	// PathPrefix stands before all paths. OCEAN__PATH_PREFIX
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

	// Of the type KAFKA. OCEAN__EVENT_LISTENER__BROKERS (with commas, or a JSON list), __SECURITY_PROTOCOL,
	// __AUTHENTICATION_MECHANISM, __KAFKA_SECURITY_ENABLED
	Brokers                     []string
	SecurityProtocol, Mechanism string
	Secured                     bool
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

// portBrokers are those of Port's Kafka, which the integration that Ferry replaces has built in too.
const portBrokers = "b-1-public.publicclusterprod.t9rw6w.c1.kafka.eu-west-1.amazonaws.com:9196," +
	"b-2-public.publicclusterprod.t9rw6w.c1.kafka.eu-west-1.amazonaws.com:9196," +
	"b-3-public.publicclusterprod.t9rw6w.c1.kafka.eu-west-1.amazonaws.com:9196"

func (r *reader) live(set *settings) {
	l := &set.Live
	l.Port = r.number(listenPort, 8000, 0, 65535)
	l.BaseURL = r.optionalSite(baseURL)
	if l.BaseURL == "" {
		l.BaseURL = r.optionalSite(appHost)
	}
	l.PathPrefix = r.path(pathPrefix)
	l.Every = time.Duration(r.minutes(resyncInterval)) * time.Minute
	l.Grace = time.Duration(r.number(shutdownWait, 5, 0, 3600)) * time.Second
	l.DatabaseURL = secret{r.text(databaseURL, "")}
	l.WebhookSecret = secret{r.text(webhookSecret, "")}
	l.Unsigned = choice(r, webhookUnsigned, false, map[string]bool{"accept": true, "refuse": false}, "accept, or refuse")
	l.StrictExit = choice(r, strictExit, false, booleans, "true or false")
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
	if _, err := url.Parse("/" + text); err != nil || strings.ContainsAny(text, "?#{} ") || strings.Contains(text, "//") {
		r.fault(r.where(name) + " is not a path: it should be like /ferry")
	}
	return text
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
	l.Brokers = r.list(kafkaBrokers, portBrokers)
	l.SecurityProtocol = r.text(kafkaProtocol, "SASL_SSL")
	l.Mechanism = r.text(kafkaMechanism, "SCRAM-SHA-512")
	l.Secured = choice(r, kafkaSecured, true, booleans, "true or false")
	if set.PortClientID == "" {
		r.fault(r.where(listenerType) + " is KAFKA, which is Port's: set " + portClientID + " and " + portClientSecret + ", or use POLLING")
	}
}

// proofs wants a secret for a webhook: without one anybody could knock.
func (r *reader) proofs(set *settings) {
	if set.Live.BaseURL == "" || set.PortClientSecret.text != "" || set.Live.WebhookSecret.text != "" || set.Live.Unsigned {
		return
	}
	r.fault(webhookSecret + " is missing: without Port's client secret, from which it would be derived, set it to any long text that nobody can guess")
}
