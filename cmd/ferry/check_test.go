package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"ferry/internal/port"
	"ferry/internal/port/portsim"
	"ferry/internal/source"
	"ferry/jira/jirasim"
	"ferry/jira/jirasim/company"
)

// scriptSite serves a simulated Jira of a certain sort until the script ends, and sets JIRA to its address:
// site [empty] [datacenter] [denied=PERMISSION] [scopes=SCOPE,…] [dead=PATH] [forbidden=PATH]
func scriptSite(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: site [empty] [datacenter] [denied=PERMISSION] [scopes=SCOPE,…] [dead=PATH] [forbidden=PATH]")
	}
	config := jirasim.Config{Email: scriptEmail, Token: scriptToken, AccountName: "Sam Ito"}
	var faults []jirasim.Fault
	below := ""
	for _, arg := range args {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "empty":
		case "datacenter":
			config.Deployment, config.ContextPath, below = jirasim.DataCenter, "/jira", "/jira"
		case "denied":
			config.Denied = append(config.Denied, value)
		case "scopes":
			config.Token, config.ScopedToken, config.Scopes = "another", scriptToken, strings.Split(value, ",")
		case "dead":
			faults = append(faults, jirasim.Fault{Match: value, Do: jirasim.DeadToken})
		case "forbidden":
			faults = append(faults, jirasim.Fault{Match: value, Do: jirasim.Forbidden})
		default:
			ts.Fatalf("no such site: %s", arg)
		}
	}
	site := jirasim.New(config)
	keepSite(ts, site)
	if !slices.Contains(args, "empty") {
		company.Found(1, time.Now(), 20).Settle(site)
	}
	for _, fault := range faults {
		site.Inject(fault)
	}
	server := httptest.NewServer(site)
	ts.Defer(server.Close)
	ts.Setenv("JIRA", server.URL+below)
	ts.Setenv("FERRY_JIRA_GATEWAY", server.URL)
}

// scriptSealed serves a simulated Port that refuses whatever has a text in its path, and sets PORT to its address:
// sealed PATH
func scriptSealed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sealed PATH")
	}
	sim := portsim.New(portsim.Config{ClientID: scriptID, ClientSecret: scriptSecret})
	sim.Inject(portsim.Fault{Match: portsim.On("", args[0]), Status: http.StatusForbidden})
	server := httptest.NewServer(sim)
	ts.Defer(server.Close)
	ts.Setenv("PORT", server.URL)
}

// A check looks, and touches nothing: not Jira, not Port, not the disk.
func TestCheckChangesNothing(t *testing.T) {
	site := jirasim.New(jirasim.Config{Email: scriptEmail, Token: scriptToken})
	company.Found(1, time.Now(), 20).Settle(site)
	jiraServer := httptest.NewServer(site)
	defer jiraServer.Close()
	sim := portsim.New(portsim.Config{ClientID: scriptID, ClientSecret: scriptSecret, Log: true})
	portServer := httptest.NewServer(sim)
	defer portServer.Close()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &stderr, around: surroundings{dir: dir, env: []string{
		jiraHost + "=" + jiraServer.URL, jiraEmail + "=" + scriptEmail, jiraToken + "=" + scriptToken,
		portBaseURL + "=" + portServer.URL, portClientID + "=" + scriptID, portClientSecret + "=" + scriptSecret,
		dataDir + "=" + filepath.Join(dir, "data"),
	}}}
	if code := a.run(t.Context(), []string{"check"}); code != 0 {
		t.Fatalf("ferry check = %d, want 0\n%s%s", code, &stdout, &stderr)
	}
	for _, r := range site.Requests() {
		if r.Method != http.MethodGet && r.Path != "/rest/api/3/search/approximate-count" {
			t.Errorf("Jira was asked to %s %s", r.Method, r.Path)
		}
	}
	for _, r := range sim.Requests() {
		if r.Method != http.MethodGet && r.Path != "/v1/auth/access_token" {
			t.Errorf("Port was asked to %s %s", r.Method, r.Path)
		}
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Errorf("the directory holds %v, %v, want nothing", made, err)
	}
}

func TestBlueprintsAreHeldAgainstWhatIsSet(t *testing.T) {
	b := port.Blueprint{
		Properties: map[string]json.RawMessage{"a": nil, "b": nil},
		Required:   []string{"a", "b"},
		Relations:  map[string]port.Relation{"r": {Required: true}, "s": {}},
	}
	for _, test := range []struct {
		properties, relations []string
		beyond, short         string
	}{
		{[]string{"a", "b"}, []string{"r"}, "", ""},
		{[]string{"a", "c", "d"}, []string{"q", "r"}, "property c, property d, relation q", "property b"},
		{nil, []string{"s"}, "", "property a, property b, relation r"},
	} {
		u := &use{map[string]bool{}, map[string]bool{}}
		for _, name := range test.properties {
			u.properties[name] = true
		}
		for _, name := range test.relations {
			u.relations[name] = true
		}
		if beyond, short := u.beyond(b), u.short(b); beyond != test.beyond || short != test.short {
			t.Errorf("%v, %v: beyond the blueprint %q and short of it %q, want %q and %q",
				test.properties, test.relations, beyond, short, test.beyond, test.short)
		}
	}
}

// Whatever comes from elsewhere keeps to its line.
func TestCheckTableIsSafe(t *testing.T) {
	var b bytes.Buffer
	k := &checkup{findings: []finding{{partJira, "login", gradeOK, "as Sam\x1b[2J\nIto", "do\rit"}}}
	if err := writeCheck(&b, k); err != nil {
		t.Fatal(err)
	}
	want := "part  what   state  found\njira  login  ok     as Sam [2J Ito\n                    to do: do it\n\nall is well; nothing was changed in Jira or Port\n"
	if b.String() != want {
		t.Errorf("writeCheck = %q, want %q", &b, want)
	}
}

// Whatever kind is read, a check asks for what reading it needs.
func TestEveryKindHasItsAbilities(t *testing.T) {
	for _, kind := range source.Kinds() {
		if len(abilities[kind]) == 0 {
			t.Errorf("nothing is asked of Jira for the kind %s", kind)
		}
	}
}
