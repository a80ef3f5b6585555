package main

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// login is how to log in to Jira.
type login struct {
	// Way is automatic (the default), basic, bearer, token-file, oauth or client-credentials. Automatic finds out
	// whether the token is good at the site or at Atlassian's gateway, and with the e-mail or alone; it is token-file
	// where TokenFile is set. FERRY_JIRA_LOGIN
	Way string

	// TokenFile is a file in which another program keeps an access token up to date. Where it cannot be read the
	// token of the settings stands in. OCEAN__OAUTH_ACCESS_TOKEN_FILE_PATH
	TokenFile string

	// ClientID and ClientSecret are of the OAuth 2.0 app, or of a service account's credential.
	// FERRY_JIRA_OAUTH_CLIENT_ID, FERRY_JIRA_OAUTH_CLIENT_SECRET or the content of FERRY_JIRA_OAUTH_CLIENT_SECRET_FILE
	ClientID     string
	ClientSecret secret

	// RefreshToken is the one that authorizing the app gave. It is needed once: from then on the tokens are in
	// TokensFile, until the app is authorized again and gives another. FERRY_JIRA_OAUTH_REFRESH_TOKEN, or the
	// content of FERRY_JIRA_OAUTH_REFRESH_TOKEN_FILE
	RefreshToken secret

	// TokensFile is where Ferry keeps the app's tokens, each of which is good for one use. It must outlive the
	// process. Default jira-tokens.json in the data directory. FERRY_JIRA_OAUTH_TOKENS_FILE
	TokensFile string

	// Scope are the scopes that client-credentials asks for, with spaces between. Default all, at Data Center READ.
	// FERRY_JIRA_OAUTH_SCOPE
	Scope string

	// TokenURL is where tokens are asked for. Default https://auth.atlassian.com/oauth/token, for client-credentials
	// at Data Center the site's own. FERRY_JIRA_OAUTH_TOKEN_URL
	TokenURL string
}

const (
	loginAutomatic         = "automatic"
	loginBasic             = "basic"
	loginBearer            = "bearer"
	loginTokenFile         = "token-file"
	loginOAuth             = "oauth"
	loginClientCredentials = "client-credentials"
)

var logins = map[string]string{
	loginAutomatic: loginAutomatic, loginBasic: loginBasic, loginBearer: loginBearer,
	loginTokenFile: loginTokenFile, loginOAuth: loginOAuth, loginClientCredentials: loginClientCredentials,
}

const (
	hostHint   = "set it to your Jira site, like https://acme.atlassian.net"
	emailHint  = "set it to the e-mail of the account that reads Jira"
	tokenHint  = "set it to an API token of the same account, made at https://id.atlassian.com/manage-profile/security/api-tokens"
	appHint    = "take it from the app's settings at https://developer.atlassian.com/console"
	clientHint = "take it from the service account's OAuth 2.0 credential"
)

func (r *reader) jira(set *settings) {
	set.JiraHost = r.site(jiraHost, "", hostHint)
	set.JiraEmail = r.text(jiraEmail, "")
	set.JiraToken = secret{r.text(jiraToken, "")}
	l := &set.Login
	l.Way = choice(r, jiraLogin, loginAutomatic, logins, "automatic, basic, bearer, token-file, oauth or client-credentials")
	l.TokenFile = r.text(accessTokenFile, "")
	if l.Way == loginAutomatic && l.TokenFile != "" {
		l.Way = loginTokenFile
	}
	switch l.Way {
	case loginAutomatic:
		r.automatic(set)
	case loginBasic:
		set.JiraEmail = r.required(jiraEmail, emailHint)
		set.JiraToken = secret{r.required(jiraToken, tokenHint)}
	case loginBearer:
		set.JiraToken = secret{r.required(jiraToken, "set it to the token: a scoped one, an access token, or a personal access token of Data Center")}
	case loginTokenFile:
		l.TokenFile = r.required(accessTokenFile, "set it to the file that holds the access token")
	case loginOAuth:
		r.oauth(set)
	case loginClientCredentials:
		r.clientCredentials(l)
	}
	if set.JiraEmail != "" && !strings.Contains(set.JiraEmail, "@") && atAtlassian(set.JiraHost) {
		r.fault(r.where(jiraEmail) + " is not an e-mail address: it should be like sam@acme.example")
	}
}

// automatic wants a token. Most tokens want an e-mail too, but not those of service accounts, so that its lack is told
// only to those who have set neither. An app's settings without the way that uses them are a slip of the pen.
func (r *reader) automatic(set *settings) {
	if r.text(oauthClientID, "") != "" && r.text(jiraToken, "") == "" {
		r.fault(r.where(oauthClientID) + " is set, and " + jiraLogin + " does not say what for: set that to oauth or to client-credentials")
		return
	}
	if set.JiraToken.text == "" && atAtlassian(set.JiraHost) {
		set.JiraEmail = r.required(jiraEmail, emailHint)
	}
	set.JiraToken = secret{r.required(jiraToken, tokenHint)}
}

func (r *reader) oauth(set *settings) {
	l := &set.Login
	l.ClientID = r.required(oauthClientID, appHint)
	l.ClientSecret = r.requiredSecret(oauthClientSecret, oauthSecretFile, appHint)
	l.TokensFile = r.text(oauthTokensFile, filepath.Join(set.DataDir, "jira-tokens.json"))
	if l.TokenURL = r.text(oauthTokenURL, ""); l.TokenURL != "" {
		l.TokenURL = r.site(oauthTokenURL, "", "")
	}
	_, err := os.Stat(l.TokensFile)
	if err == nil && r.text(oauthRefreshToken, "") == "" && r.text(oauthRefreshFile, "") == "" {
		return // the tokens are there already
	}
	l.RefreshToken = r.requiredSecret(oauthRefreshToken, oauthRefreshFile,
		"set it to the refresh token that authorizing the app gave, with the scope offline_access")
}

func (r *reader) clientCredentials(l *login) {
	l.ClientID = r.required(oauthClientID, clientHint)
	l.ClientSecret = r.requiredSecret(oauthClientSecret, oauthSecretFile, clientHint)
	l.Scope = r.text(oauthScope, "")
	if l.TokenURL = r.text(oauthTokenURL, ""); l.TokenURL != "" {
		l.TokenURL = r.site(oauthTokenURL, "", "")
	}
}

// atAtlassian reports whether the site is surely Jira Cloud, where accounts have e-mails. Where the host is not known
// yet, it most likely is.
func atAtlassian(host string) bool {
	u, err := url.Parse(host)
	if err != nil || u.Hostname() == "" {
		return true
	}
	name := strings.ToLower(u.Hostname())
	return strings.HasSuffix(name, ".atlassian.net") || name == "api.atlassian.com"
}
