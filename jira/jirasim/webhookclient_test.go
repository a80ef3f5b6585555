package jirasim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

// Package jira verifies and reads what the site delivers.
func TestTheClientReadsWhatIsDelivered(t *testing.T) {
	got := told(t, jirasim.Config{}, jirasim.Webhook{Events: everything, Secret: "hush"}, func(s *jirasim.Server) {
		s.AddIssue(jirasim.Issue{Key: "PAY-9", Parent: "PAY-4", Type: "Sub-task"})
		s.Update("PAY-1", func(i *jirasim.Issue) { i.Status = "Done" })
		s.Move("PAY-1", "APP")
		s.DeleteProject("PAY")
		s.AddUser(jirasim.User{AccountID: "bob"})
	})
	pay := jira.Ref{ID: "10001", Key: "PAY"}
	app := jira.Ref{ID: "10002", Key: "APP"}
	want := []jira.Event{
		{Name: "jira:issue_created", Kind: jira.EventIssue, Action: jira.ActionCreated, ID: "10008",
			Issues: []jira.Ref{{ID: "10008", Key: "PAY-9"}}, Parent: jira.Ref{ID: "10004", Key: "PAY-4"}, Project: pay},
		{Name: "issuelink_created", Kind: jira.EventIssueLink, Action: jira.ActionCreated, ID: "10008", Issues: []jira.Ref{{ID: "10004"}, {ID: "10008"}}},
		{Name: "jira:issue_updated", Kind: jira.EventIssue, Action: jira.ActionUpdated, ID: "10001", Issues: []jira.Ref{{ID: "10001", Key: "PAY-1"}}, Project: pay,
			Changes: []jira.Change{{Field: "status", From: []string{"10100"}, To: []string{"10102"}}}},
		{Name: "jira:issue_updated", Kind: jira.EventIssue, Action: jira.ActionUpdated, ID: "10001", Issues: []jira.Ref{{ID: "10001", Key: "APP-3"}}, Project: app,
			Former: "PAY-1", FormerProject: pay},
		{Name: "project_soft_deleted", Kind: jira.EventProject, Action: jira.ActionSoftDeleted, ID: "10001", Project: pay},
		{Name: "user_created", Kind: jira.EventUser, Action: jira.ActionCreated, User: jira.UserRef{AccountID: "bob"}},
	}
	for i, one := range got {
		if err := jira.VerifySignature([]byte(one.Body), one.Header.Get("X-Hub-Signature"), "hush"); err != nil {
			t.Error(err)
		}
		e, err := jira.ParseEvent([]byte(one.Body))
		if err != nil {
			t.Errorf("%v in %s", err, one.Body)
			continue
		}
		if e.Former != "" {
			e.Changes = nil // both items of a move are told by Former and FormerProject
		}
		want[i].Time = noon
		if want[i].Kind == jira.EventIssue {
			want[i].Updated = noon
		}
		if diff := cmp.Diff(want[i], e); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", i, diff)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
}

func TestTheClientAcceptsTheTokenOfADelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		at(t, s, "POST", gateway+"/ex/jira/c1"+dynamicPath, `{"url":"https://ferry.test","webhooks":[{"events":["jira:issue_created"],"jqlFilter":"project = PAY"}]}`,
			"Authorization", "Bearer "+s.Consent("ferry").Access)
		v := &receiver{}
		delivering(t, s, jirasim.Delivery{Transport: v})
		s.AddIssue(jirasim.Issue{ProjectKey: "PAY"})
		settle(t, s)
		token := v.all()[0].Header.Get("Authorization")
		if claims, err := jira.VerifyJWT(token, time.Now(), "hush"); err != nil || claims.Issuer != "ferry" {
			t.Errorf("VerifyJWT = %+v, %v", claims, err)
		}
		if _, err := jira.VerifyJWT(token, time.Now().Add(time.Hour), "hush"); err == nil {
			t.Error("the token is good for ever")
		}
	})
}
