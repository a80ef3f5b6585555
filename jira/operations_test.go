package jira_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const directive = "//jira:operation "

// asksNothing are the exported methods of Client that are no operation of the
// API themselves.
var asksNothing = []string{"Stats", "SiteURL", "String", "Deployment"}

// operations reads the directives of the exported methods of Client: method
// name to directive.
func operations(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() || receiver(f) != "Client" || slices.Contains(asksNothing, f.Name.Name) {
				continue
			}
			found[f.Name.Name] = directiveOf(f)
		}
	}
	return found
}

func receiver(f *ast.FuncDecl) string {
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	name, _ := star.X.(*ast.Ident)
	return name.Name
}

func directiveOf(f *ast.FuncDecl) string {
	if f.Doc == nil {
		return ""
	}
	for _, c := range f.Doc.List {
		if text, ok := strings.CutPrefix(c.Text, directive); ok {
			return text
		}
	}
	return ""
}

// Each method names an operation that Atlassian's OpenAPI file has, and its
// page.
func TestOperationsExist(t *testing.T) {
	found := operations(t)
	if len(found) != 8 {
		t.Errorf("%d methods of Client ask Jira, want 8: %v", len(found), found)
	}
	text, err := os.ReadFile("../../shared/specs/jira-platform-v3.2026-02-06.json")
	if err != nil {
		t.Skip("Atlassian's OpenAPI file in ../shared/specs is not here")
	}
	var spec struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	for method, line := range found {
		words := strings.Fields(line)
		if len(words) != 3 || !strings.HasPrefix(words[2], "https://developer.atlassian.com/") {
			t.Errorf("%s has the directive %q, want %sMETHOD PATH URL", method, line, directive)
			continue
		}
		if _, ok := spec.Paths[words[1]][strings.ToLower(words[0])]; !ok {
			t.Errorf("%s names %s %s, which the OpenAPI file lacks", method, words[0], words[1])
		}
		anchor := "#api" + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(strings.ToLower(words[1])) + "-" + strings.ToLower(words[0])
		if !strings.HasSuffix(words[2], anchor) {
			t.Errorf("%s links to %s, want the anchor %s", method, words[2], anchor)
		}
	}
}
