package changelog_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"ferry/internal/port"
	"ferry/internal/port/changelog"
)

func good() changelog.Config {
	return changelog.Config{Organization: "org_1", Type: "jira", Identifier: "my-jira", Username: username, Password: port.NewSecret(password)}
}

func TestNewNamesEveryFault(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*changelog.Config)
		want   []string // in the error; none: it is right
	}{
		{"the defaults", func(*changelog.Config) {}, nil},
		{"in small letters", func(c *changelog.Config) { c.SecurityProtocol, c.Mechanism = "sasl_plaintext", "plain" }, nil},
		{"no security", func(c *changelog.Config) {
			c.SecurityProtocol, c.Mechanism, c.Username, c.Password = "PLAINTEXT", "x", "", port.Secret{}
		}, nil},
		{"TLS alone", func(c *changelog.Config) { c.SecurityProtocol, c.Username, c.Password = "SSL", "", port.Secret{} }, nil},
		{"a broker without a port", func(c *changelog.Config) { c.Brokers = []string{"kafka.example", "[::1]:9092", "10.0.0.1:1"} }, nil},
		{"nothing at all", func(c *changelog.Config) { *c = changelog.Config{} },
			[]string{"organization", "OCEAN__INTEGRATION__TYPE", "OCEAN__INTEGRATION__IDENTIFIER", "user name and password"}},
		{"no password", func(c *changelog.Config) { c.Password = port.NewSecret("") }, []string{"user name and password"}},
		{"no such protocol", func(c *changelog.Config) { c.SecurityProtocol = "TLS" }, []string{"OCEAN__EVENT_LISTENER__SECURITY_PROTOCOL", "SASL_SSL"}},
		{"no such mechanism", func(c *changelog.Config) { c.Mechanism = "GSSAPI" }, []string{"OCEAN__EVENT_LISTENER__AUTHENTICATION_MECHANISM", "SCRAM-SHA-512"}},
		{"several brokers in one", func(c *changelog.Config) { c.Brokers = []string{"a:1,b:2"} }, []string{"OCEAN__EVENT_LISTENER__BROKERS"}},
		{"a list in JSON", func(c *changelog.Config) { c.Brokers = []string{`["a:1"]`} }, []string{"OCEAN__EVENT_LISTENER__BROKERS"}},
		{"a URL", func(c *changelog.Config) { c.Brokers = []string{"kafka://a:1"} }, []string{"OCEAN__EVENT_LISTENER__BROKERS"}},
		{"a port that is none", func(c *changelog.Config) { c.Brokers = []string{"a:b"} }, []string{"OCEAN__EVENT_LISTENER__BROKERS"}},
		{"an empty broker", func(c *changelog.Config) { c.Brokers = []string{""} }, []string{"OCEAN__EVENT_LISTENER__BROKERS"}},
		{"negative waits", func(c *changelog.Config) { c.RetryBase = -1 }, []string{"negative"}},
	} {
		config := good()
		tt.change(&config)
		_, err := changelog.New(config)
		if (err == nil) != (tt.want == nil) {
			t.Errorf("%s: New = %v, want an error %t", tt.name, err, tt.want != nil)
		}
		for _, want := range tt.want {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: New = %v, want %q in it", tt.name, err, want)
			}
		}
		if strings.Contains(fmt.Sprint(err), password) {
			t.Errorf("%s: New = %v, which tells the password", tt.name, err)
		}
	}
}

func TestThePasswordIsNotPrinted(t *testing.T) {
	consumer, err := changelog.New(good())
	if err != nil {
		t.Fatal(err)
	}
	var logged buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", good())
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %v %+v %#v", good(), good(), good(), consumer, consumer, consumer), logged.String()} {
		if strings.Contains(text, password) {
			t.Errorf("%s tells the password", text)
		}
	}
}

// Over sockets and TLS, as with Port.
func TestKafkaOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler()) // for its certificate
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, log), kfake.TLS(server.TLS.Clone()),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", username, password))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	config := good()
	config.Brokers, config.TLS = kafka.ListenAddrs(), &tls.Config{RootCAs: roots}
	consumer, err := changelog.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- consumer.Run(ctx, atOnce) }()
	limited, late := context.WithTimeout(t.Context(), 30*time.Second)
	defer late()
	if _, err := kafka.WaitGroupInfo(limited, group, func(g *kfake.GroupInfo) bool { return g != nil && len(g.Commits[log]) == 1 }); err != nil {
		t.Errorf("nothing was committed: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
}
