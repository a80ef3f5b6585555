package jirasim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"ferry/jira/jirasim"
)

// The index that is behind shows an issue in its former status, which has been
// renamed since.
func TestAStaleIndexKnowsARenamedStatus(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Status = "Blocked" })
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Status = "Done" })
	s.RenameStatus("Blocked", "On Hold")
	s.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
	body := string(ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"status = \"On Hold\"","fields":["status"]}`).body)
	if !strings.Contains(body, `"name":"On Hold"`) {
		t.Errorf("the search answers %s, want PAY-1 on hold", body)
	}
}

// What an Update does to a map of custom fields is seen neither by the index that
// is behind nor by who holds the issue as it was.
func TestAnUpdateLeavesTheFormerCustomFieldsAlone(t *testing.T) {
	s := newSite(jirasim.Config{})
	set := func(value string) {
		s.Update("PAY-1", func(i *jirasim.Issue) {
			if i.Custom == nil {
				i.Custom = map[string]json.RawMessage{}
			}
			i.Custom["customfield_10016"] = json.RawMessage(value)
		})
	}
	set(`1`)
	held, _ := s.Issue("PAY-1")
	set(`2`)
	if got := string(held.Custom["customfield_10016"]); got != "1" {
		t.Errorf("the issue as it was has %s, want 1", got)
	}
	s.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
	body := string(ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"key = PAY-1","fields":["customfield_10016"]}`).body)
	if !strings.Contains(body, `"customfield_10016":1`) {
		t.Errorf("the index that is behind answers %s, want 1", body)
	}
}

// A cloud id is part of the links, and cannot break the JSON around them.
func TestAnOddCloudIDIsEscaped(t *testing.T) {
	body := string(ask(t, newSite(jirasim.Config{CloudID: `a"b`}), "GET /ex/jira/a%22b/rest/api/3/project/PAY", "").body)
	if !json.Valid([]byte(body)) || !strings.Contains(body, "/ex/jira/a%22b/rest/") {
		t.Errorf("the project is %s, want valid JSON with links below the cloud id", body)
	}
}
