package jirasim

import (
	"cmp"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config says which site is simulated. The zero value is a site that lets
// everybody in, answers at once and speaks UTC.
type Config struct {
	// Deployment says whether the site is Jira Cloud or Data Center; Version which
	// one, as serverInfo tells it: "9.12.4". Empty: 1001.0.0-SNAPSHOT, or 10.3.0.
	Deployment Deployment
	Version    string
	// ContextPath, such as /jira, is what everything is served below, and the links
	// carry it: BaseURL gets it where it does not end in it. Only Data Center has one.
	ContextPath string
	// Seed drives generated texts and the faults with a probability.
	Seed uint64
	// BaseURL is what serverInfo.baseUrl and the self links say, without a
	// slash at the end. Empty: the scheme and host the request was sent to.
	// A request that came through the gateway's prefix gets self links with
	// that prefix, as Jira gives them, and BaseURL only from serverInfo.
	BaseURL string
	// CloudID is told by /_edge/tenant_info. Empty: made from Seed.
	CloudID string

	// Email and Token are the only Basic credentials accepted, Bearer the only
	// bearer token. At Data Center they are a user, its password, and a personal access
	// token. All empty, ScopedToken too, and no app added: whoever asks is let in,
	// without credentials too.
	Email, Token, Bearer string
	// ScopedToken is an API token with Scopes: good at the gateway alone, with Email as
	// Basic and by itself as Bearer, or in one of the ways where ScopedAs names one. On
	// the site it gets 401, or is nobody's where ScopedAnonymous is set.
	ScopedToken     string
	Scopes          []string
	ScopedAs        string // Basic or Bearer; "" is both
	ScopedAnonymous bool
	// TokenExpires is when Token, Bearer and ScopedToken die: see [DeadToken]. Zero: never.
	TokenExpires time.Time
	// CaptchaAfter is how many wrong passwords in a row make Data Center refuse a user
	// until [Server.SolveCaptcha]. 0: never.
	CaptchaAfter int
	// Neighbours are the URLs of other sites that accessible-resources lists too.
	Neighbours []string
	// AccountID and AccountName are whom /myself reports. Empty: an account of
	// an integration.
	AccountID, AccountName string
	// Denied are permission keys (ADMINISTER, USER_PICKER, BROWSE_PROJECTS) that
	// /mypermissions reports the account not to have.
	Denied []string

	// Latency is waited before each answer.
	Latency time.Duration
	// NoGzip answers plainly even where the client accepts gzip.
	NoGzip bool
	// Clock is the site's time. Nil: time.Now.
	Clock func() time.Time
	// Zone is the profile zone of the account: JQL dates are read and times are
	// written in it. Nil: UTC.
	Zone *time.Location

	// IndexLag is how far the search index is behind, by the clock: searches and counts
	// see issues as they were so long ago, ones created since not at all, and deleted
	// ones as ids that nothing can be read of. An issue counts as there since its
	// Created. Reading by id is not affected, nor is what a search names in
	// reconcileIssues.
	IndexLag time.Duration
	// IndexLoss is the probability with which a search does not find an issue that the
	// index has: the next search may find it.
	IndexLoss float64

	// Limits are the rate limits that the site keeps.
	Limits Limits

	// Webhooks says how the site treats webhooks.
	Webhooks WebhookConfig

	// LenientJQL lets a query name a project or an issue that is not there, and
	// finds nothing for it. Jira answers 400, and so does the site by default.
	LenientJQL bool

	// PageLimit is how many issues with fields a search page holds at most,
	// IDPageLimit how many ids, ProjectPageLimit how many projects a page,
	// BulkLimit how many issues a bulkfetch. 0: 100 (1000 at Data Center), 5000, 100, 100.
	PageLimit, IDPageLimit, ProjectPageLimit, BulkLimit int
	// ResultWindow is how far startAt and maxResults of a search may reach at Data
	// Center from version 10 on. 0: 10,000.
	ResultWindow int
	// Unsettled makes a Data Center's search give issues that its ORDER BY holds equal
	// in another order on every page, so that pages repeat some and leave out others.
	Unsettled bool
}

// Server is a simulated Jira site. Its methods may be called from several
// goroutines, also while it serves.
type Server struct {
	config Config

	mu sync.RWMutex // guards the site: everything down to former
	site
	account User // whom /myself reports

	logins    logins
	authority authority
	limits    *limiter

	parts    fragmentCache
	walks    walkTable
	faults   faultList
	hooks    hookTable
	queue    deliveryQueue
	log      requestLog
	searches atomic.Uint64 // that IndexLoss was asked about
	prose    func() string // the text that descriptions are cut from
}

// New makes an empty site.
func New(config Config) *Server {
	config.place()
	config.CloudID = cmp.Or(config.CloudID, cloudID(config.Seed))
	config.PageLimit = cmp.Or(config.PageLimit, map[Deployment]int{Cloud: 100, DataCenter: 1000}[config.Deployment])
	config.IDPageLimit = cmp.Or(config.IDPageLimit, 5000)
	config.ProjectPageLimit = cmp.Or(config.ProjectPageLimit, 100)
	config.BulkLimit = cmp.Or(config.BulkLimit, 100)
	config.ResultWindow = cmp.Or(config.ResultWindow, 10_000)
	if config.Zone == nil {
		config.Zone = time.UTC
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	s := &Server{config: config, site: newSite(), prose: sync.OnceValue(func() string { return writeProse(config.Seed) })}
	s.hindsight = hindsight{lag: config.IndexLag, now: config.Clock}
	s.logins.email, s.logins.token, s.logins.bearer = config.Email, config.Token, config.Bearer
	s.logins.scoped, s.logins.scopes, s.logins.expires = config.ScopedToken, config.Scopes, config.TokenExpires
	s.queue.seed = config.Seed
	s.limits = newLimiter(config)
	s.faults.random = rand.New(rand.NewPCG(config.Seed, 0xfa017))
	account := "712020:00000000-0000-4000-8000-000000000001"
	if config.Deployment == DataCenter {
		account = cmp.Or(config.Email, "integration")
	}
	s.SignInAs(cmp.Or(config.AccountID, account), cmp.Or(config.AccountName, "Integration"))
	return s
}

// SignInAs makes the credentials belong to another account from now on.
func (s *Server) SignInAs(accountID, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = User{AccountID: accountID, DisplayName: name, Email: s.config.Email, TimeZone: s.config.Zone.String()}
	s.putUser(s.account)
	s.parts.clear()
}

// ServeHTTP answers as Jira would, after [Config.Latency] and subject to the
// injected faults.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serveHTTP(w, r, siteDoor) }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request, d door) {
	a, err := s.respond(r, d)
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone, or is to get no answer
	}
	defer a.release()
	a.writeTo(w)
}

func (s *Server) now() time.Time { return s.config.Clock() }

// wait pauses for d, or less if the client goes away.
func wait(r *http.Request, d time.Duration) error {
	if d <= 0 {
		return r.Context().Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}
