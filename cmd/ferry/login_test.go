package main

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
)

// What the simulated Jira of the login scripts accepts. What they hold must never be printed.
const (
	scriptApp       = "ferry-app"
	scriptAppSecret = "hush-app-secret"
	scriptScoped    = "hush-scoped-token"
)

// scriptLogins serves a simulated Jira with its gateway and its authorization server, all at one address, until the
// script ends: logins [tls]. It sets JIRA to that address, REFRESH to the refresh token of a consent, and writes the
// file access with an access token, and with tls the file ca.pem.
func scriptLogins(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: logins [tls]")
	}
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	if len(args) > 0 {
		server.StartTLS()
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
	} else {
		server.Start()
	}
	ts.Defer(server.Close)
	site := jirasim.New(jirasim.Config{
		Email: scriptEmail, Token: scriptToken, BaseURL: server.URL,
		ScopedToken: scriptScoped, Scopes: []string{"read:jira-work", "read:jira-user"},
	})
	keepSite(ts, site)
	company.Found(1, time.Now(), 20).Settle(site)
	site.AddApp(jirasim.App{ClientID: scriptApp, ClientSecret: scriptAppSecret})
	mux.Handle("/", site)
	mux.Handle("/oauth/token", site.AuthServer())
	mux.Handle("/oauth/token/accessible-resources", site.Gateway())
	ts.Setenv("JIRA", server.URL)
	ts.Setenv("FERRY_JIRA_GATEWAY", server.URL)
	ts.Setenv("FERRY_JIRA_OAUTH_TOKEN_URL", server.URL+"/oauth/token")
	ts.Setenv("OCEAN__INTEGRATION__CONFIG__JIRA_HOST", server.URL)
	ts.Setenv("REFRESH", site.Consent(scriptApp).Refresh)
	ts.Check(os.WriteFile(ts.MkAbs("access"), []byte(site.Consent(scriptApp).Access+"\n"), 0o600))
}

// at is the environment of a site, with more lines.
func at(site string, lines ...string) given {
	return given{env: "OCEAN__INTEGRATION__CONFIG__JIRA_HOST=" + site + "\n" + strings.Join(lines, "\n")}
}

const (
	cloudSite  = "https://acme.atlassian.net"
	serverSite = "https://jira.acme.example/jira"
)

func TestLoginSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secretFile, tokensFile := file("secret", "hush\n"), file("jira-tokens.json", "{}")
	for name, test := range map[string]struct {
		given
		want settings
	}{
		"a token alone, which may be a service account's": {
			at(cloudSite, jiraToken+"=hush"),
			settings{JiraHost: cloudSite, JiraToken: secret{"hush"}, Login: login{Way: loginAutomatic}},
		},
		"a user of Data Center": {
			at(serverSite, jiraEmail+"=sam", jiraToken+"=hush"),
			settings{JiraHost: serverSite, JiraEmail: "sam", JiraToken: secret{"hush"}, Login: login{Way: loginAutomatic}},
		},
		"a token file": {
			at(cloudSite, accessTokenFile+"=/run/token"),
			settings{JiraHost: cloudSite, Login: login{Way: loginTokenFile, TokenFile: "/run/token"}},
		},
		"a token file, by config.yaml": {
			given{env: at(cloudSite).env, yaml: "oauthAccessTokenFilePath: /run/token\nssl: {thirdParty: {verify: false}}\nferry: {jiraConcurrency: 4}\n"},
			settings{
				JiraHost: cloudSite, Login: login{Way: loginTokenFile, TokenFile: "/run/token"},
				Connection: connection{SkipVerify: true, Concurrency: 4},
			},
		},
		"another way in spite of a token file": {
			at(cloudSite, accessTokenFile+"=/run/token", jiraLogin+"=Basic", jiraEmail+"=sam@acme.example", jiraToken+"=hush"),
			settings{
				JiraHost: cloudSite, JiraEmail: "sam@acme.example", JiraToken: secret{"hush"},
				Login: login{Way: loginBasic, TokenFile: "/run/token"},
			},
		},
		"OAuth": {
			at(cloudSite, jiraLogin+"=oauth", oauthClientID+"=app", oauthSecretFile+"="+secretFile, oauthRefreshToken+"=hush"),
			settings{JiraHost: cloudSite, Login: login{
				Way: loginOAuth, ClientID: "app", ClientSecret: secret{"hush"}, RefreshToken: secret{"hush"},
				TokensFile: filepath.Join("ferry-data", "jira-tokens.json"),
			}},
		},
		"OAuth, once its tokens are there": {
			at(cloudSite, jiraLogin+"=oauth", oauthClientID+"=app", oauthClientSecret+"=hush", oauthTokensFile+"="+tokensFile),
			settings{JiraHost: cloudSite, Login: login{Way: loginOAuth, ClientID: "app", ClientSecret: secret{"hush"}, TokensFile: tokensFile}},
		},
		"client credentials": {
			at(serverSite, jiraLogin+"=client-credentials", oauthClientID+"=app", oauthClientSecret+"=hush", oauthScope+"=READ WRITE"),
			settings{JiraHost: serverSite, Login: login{Way: loginClientCredentials, ClientID: "app", ClientSecret: secret{"hush"}, Scope: "READ WRITE"}},
		},
		"a connection": {
			at(serverSite, jiraToken+"=hush", jiraProxy+"=http://sam:hush@proxy.example:3128", jiraGateway+"=https://gateway.example/", jiraConcurrency+"=100"),
			settings{
				JiraHost: serverSite, JiraToken: secret{"hush"}, Login: login{Way: loginAutomatic},
				Connection: connection{Proxy: secret{"http://sam:hush@proxy.example:3128"}, Gateway: "https://gateway.example", Concurrency: 100},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, faults := test.given.read(t)
			if len(faults) > 0 {
				t.Errorf("faults = %q, want none", faults)
			}
			got = settings{JiraHost: got.JiraHost, JiraEmail: got.JiraEmail, JiraToken: got.JiraToken, Login: got.Login, Connection: got.Connection}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(settings{}, secret{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if client, err := jiraClient(got, logger(t.Output(), 0, "text")); err != nil || client == nil {
				t.Errorf("jiraClient = %v, %v", client, err)
			}
		})
	}
}

func TestLoginFaults(t *testing.T) {
	const refreshMissing = oauthRefreshToken + " is missing: set it to the refresh token that authorizing the app gave, with the scope offline_access"
	for name, test := range map[string]struct {
		given
		want []string
	}{
		"a way that is none": {
			at(cloudSite, jiraLogin+"=magic", jiraToken+"=hush"),
			[]string{`FERRY_JIRA_LOGIN in the environment is "magic": it should be automatic, basic, bearer, token-file, oauth or client-credentials`},
		},
		"basic with nothing": {
			at(cloudSite, jiraLogin+"=basic"),
			[]string{jiraEmail + " is missing: " + emailHint, jiraToken + " is missing: " + tokenHint},
		},
		"bearer with nothing": {
			at(cloudSite, jiraLogin+"=bearer"),
			[]string{jiraToken + " is missing: set it to the token: a scoped one, an access token, or a personal access token of Data Center"},
		},
		"a token file that is not named": {
			at(cloudSite, jiraLogin+"=token-file", jiraToken+"=hush"),
			[]string{accessTokenFile + " is missing: set it to the file that holds the access token"},
		},
		"oauth with nothing": {
			at(cloudSite, jiraLogin+"=oauth"),
			[]string{oauthClientID + " is missing: " + appHint, oauthClientSecret + " is missing: " + appHint, refreshMissing},
		},
		"client-credentials with nothing": {
			at(cloudSite, jiraLogin+"=client-credentials"),
			[]string{oauthClientID + " is missing: " + clientHint, oauthClientSecret + " is missing: " + clientHint},
		},
		"an app without its way": {
			at(cloudSite, oauthClientID+"=app"),
			[]string{oauthClientID + " in the environment is set, and FERRY_JIRA_LOGIN does not say what for: set that to oauth or to client-credentials"},
		},
		"files that are not there": {
			at(cloudSite, jiraLogin+"=oauth", oauthClientID+"=app", oauthSecretFile+"=/none", oauthRefreshFile+"=/none", jiraCAFile+"=/none"),
			[]string{
				oauthSecretFile + ` in the environment is "/none", which cannot be read: no such file or directory`,
				oauthRefreshFile + ` in the environment is "/none", which cannot be read: no such file or directory`,
				jiraCAFile + ` in the environment is "/none", which cannot be read: no such file or directory`,
			},
		},
		"a connection of which all is wrong": {
			at(serverSite, jiraToken+"=hush", jiraProxy+"=sam:hush", jiraGateway+"=gateway", jiraConcurrency+"=101", jiraCAFile+"="+os.DevNull, verifyThirdParty+"=sometimes"),
			[]string{
				verifyThirdParty + ` in the environment is "sometimes": it should be true or false`,
				jiraConcurrency + ` in the environment is "101": it should be a number from 1 to 100`,
				jiraGateway + ` in the environment is "gateway": it should be a URL that begins with https://`,
				jiraProxy + " in the environment is not the URL of a proxy: it should be like http://proxy.acme.example:3128",
				jiraCAFile + ` in the environment is "` + os.DevNull + `", which holds no certificate: it should hold one or more in PEM form`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := test.given.read(t)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// What the token endpoint and Jira are reached by is the same: here a proxy that answers for both.
func TestTheProxyIsForTheTokenEndpointToo(t *testing.T) {
	var hosts []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts = append(hosts, r.URL.Host)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"hush","expires_in":3600}`))
	}))
	defer proxy.Close()
	for _, way := range []string{loginOAuth, loginClientCredentials} {
		hosts = nil
		set := settings{JiraHost: "http://api.acme.example/ex/jira/c1", Connection: connection{Proxy: secret{proxy.URL}, Gateway: "http://api.acme.example"}}
		set.Login = login{Way: way, ClientID: "app", ClientSecret: secret{"hush"}, RefreshToken: secret{"hush"},
			TokensFile: filepath.Join(t.TempDir(), "t.json"), TokenURL: "http://auth.acme.example/oauth/token"}
		client, err := jiraClient(set, logger(t.Output(), 0, "text"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _ = client.Myself(ctx) // the proxy's answer is no account
		if len(hosts) < 2 || hosts[0] != "auth.acme.example" || hosts[1] != "api.acme.example" {
			t.Errorf("%s: the proxy was asked for %q, want the token endpoint and Jira", way, hosts)
		}
	}
}
