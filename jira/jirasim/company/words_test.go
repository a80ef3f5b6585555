package company

import (
	"io/fs"
	"testing"
)

// Every symbol has alternatives in every voice in which it can be asked for, and no
// symbol leads back to itself: so every title comes to an end.
func TestWordsAreComplete(t *testing.T) {
	starts := []string{"epic", "story", "bug", "task", "sub-task", "about-bug", "about-story", "about-task"}
	for _, tr := range trades() {
		if len(tr.themes) < 4 || len(tr.label.alternatives("label")) < 5 {
			t.Errorf("project %s has %d themes and %d labels", tr.key, len(tr.themes), len(tr.label.alternatives("label")))
		}
		for _, about := range tr.themes {
			for _, symbol := range starts {
				checkSymbol(t, about, symbol, nil)
			}
		}
	}
}

func checkSymbol(t *testing.T, about theme, symbol string, above []string) {
	t.Helper()
	if len(above) > 5 {
		t.Fatalf("%s: %s is below %v", about.name, symbol, above)
	}
	alternatives := about.voice.alternatives(symbol)
	if len(alternatives) == 0 {
		t.Errorf("%s: {%s} has no alternatives", about.name, symbol)
	}
	for _, a := range alternatives {
		if len(a) == 0 {
			t.Errorf("%s: {%s} has an empty alternative", about.name, symbol)
		}
		for _, p := range a {
			if p.symbol {
				checkSymbol(t, about, p.text, append(above, symbol))
			}
		}
	}
}

func TestEveryWordFileIsRead(t *testing.T) {
	files, err := fs.Glob(wordFiles, "words/*.txt")
	if err != nil || len(files) != len(trades())+1 {
		t.Errorf("%d word files (%v), want one for each of %d projects and the shared one", len(files), err, len(trades()))
	}
}

func TestStatusesHaveOneCategory(t *testing.T) {
	category := map[string]string{}
	for _, tr := range trades() {
		for _, status := range tr.flow {
			got := tr.category(status)
			if before, ok := category[status]; ok && before != got {
				t.Errorf("%s in %s is %s, elsewhere %s", status, tr.key, got, before)
			}
			category[status] = got
		}
	}
}
