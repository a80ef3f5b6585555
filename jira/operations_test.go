package jira_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var updateOperations = flag.Bool("update-operations", false, "write docs/jira-operations.md")

const (
	directive      = "//jira:operation "
	operationsList = "../docs/jira-operations.md"
)

// operation is one REST operation that the client uses, as a directive above an exported method of
// Client states it.
type operation struct {
	verb, path, page string
	methods          []string // of Client
}

// name is what a call literal in the code must say: with %s for each parameter, and at version 3
// where version 2 is the same at Data Center.
func (o operation) name() string {
	path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(o.path, "%s")
	return o.verb + " " + strings.Replace(path, "/rest/api/2/", "/rest/api/3/", 1)
}

// source is the package's own code.
func source(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// directives are the operations of the exported methods of Client, in the order of their paths.
func directives(t *testing.T) []operation {
	t.Helper()
	byPath := map[string]operation{}
	for _, file := range source(t) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Doc == nil {
				continue
			}
			for _, c := range f.Doc.List {
				text, ok := strings.CutPrefix(c.Text, directive)
				if !ok {
					continue
				}
				words := strings.Fields(text)
				if len(words) != 3 || receiver(f) != "Client" || !f.Name.IsExported() {
					t.Fatalf("%s%s above %s: want METHOD PATH PAGE above an exported method of Client", directive, text, f.Name)
				}
				key := words[1] + " " + words[0]
				o := byPath[key]
				if o.page != "" && o.page != words[2] {
					t.Errorf("%s has two pages: %s and %s", key, o.page, words[2])
				}
				byPath[key] = operation{words[0], words[1], words[2], append(o.methods, f.Name.Name)}
			}
		}
	}
	var all []operation
	for _, key := range slices.Sorted(maps.Keys(byPath)) {
		slices.Sort(byPath[key].methods)
		all = append(all, byPath[key])
	}
	return all
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	name, _ := star.X.(*ast.Ident)
	return name.Name
}

// calls are the operations that the code asks for: the method and the path of each call literal.
func calls(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, file := range source(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if name, ok := literal.Type.(*ast.Ident); ok && name.Name == "call" {
				found[operationOf(t, literal)] = true
			}
			return true
		})
	}
	return found
}

func operationOf(t *testing.T, literal *ast.CompositeLit) string {
	t.Helper()
	var verb, path string
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			t.Fatalf("a call literal without keys")
		}
		switch key := pair.Key.(*ast.Ident); key.Name {
		case "method":
			if s, ok := pair.Value.(*ast.SelectorExpr); ok {
				verb = strings.ToUpper(strings.TrimPrefix(s.Sel.Name, "Method"))
			}
		case "path":
			if s, ok := pair.Value.(*ast.BasicLit); ok {
				path, _ = strconv.Unquote(s.Value)
			}
		}
	}
	if verb == "" || path == "" {
		t.Errorf("a call literal whose method (%q) or path (%q) is not a constant that stands in it", verb, path)
	}
	return verb + " " + path
}

// Whatever the code asks of Jira is stated above the method that asks, and nothing else is.
func TestOperationsAreStated(t *testing.T) {
	stated := map[string]bool{}
	for _, o := range directives(t) {
		stated[o.name()] = true
	}
	asked := calls(t)
	for name := range stated {
		if !asked[name] {
			t.Errorf("%s is stated, and no call asks for it", name)
		}
	}
	for name := range asked {
		if !stated[name] {
			t.Errorf("a call asks for %s, and no exported method of Client states it by %s", name, directive)
		}
	}
	if len(asked) < 8 {
		t.Errorf("%d operations found in the code: the search for call literals is broken", len(asked))
	}
}

// specification is what is read of Atlassian's OpenAPI files: path, verb, scopes.
type specification map[string]map[string]struct {
	Security []map[string][]string
}

func specifications(t *testing.T) specification {
	t.Helper()
	all := specification{}
	for _, name := range []string{"jira-platform-v3.2026-02-06.json", "jira-software.2026-05-27.json"} {
		text, err := os.ReadFile("../../shared/specs/" + name)
		if err != nil {
			t.Skip("Atlassian's OpenAPI files in ../shared/specs are not here")
		}
		var file struct{ Paths map[string]json.RawMessage }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for path, raw := range file.Paths {
			verbs := specification{}[path]
			if err := json.Unmarshal(raw, &verbs); err != nil {
				continue // a path whose members are not all operations
			}
			all[path] = verbs
		}
	}
	return all
}

// scopes are the OAuth scopes of an operation.
func (s specification) scopes(o operation) string {
	for _, scheme := range s[o.path][strings.ToLower(o.verb)].Security {
		if scopes, ok := scheme["OAuth2"]; ok {
			return strings.Join(scopes, ", ")
		}
	}
	return ""
}

// documented reports whether Atlassian's files should have the operation: they are about Cloud, and
// have no admin webhooks.
func (o operation) documented() bool {
	return strings.HasPrefix(o.page, "https://developer.atlassian.com/cloud/jira/") && strings.Contains(o.page, "/rest/")
}

// The operations of Cloud are ones that Atlassian's OpenAPI files have, and the links lead to them.
func TestOperationsExist(t *testing.T) {
	specs := specifications(t)
	n := 0
	for _, o := range directives(t) {
		if !strings.HasPrefix(o.page, "https://") {
			t.Errorf("%s %s has no page: %q", o.verb, o.path, o.page)
		}
		if !o.documented() {
			continue
		}
		n++
		if _, ok := specs[o.path][strings.ToLower(o.verb)]; !ok {
			t.Errorf("%v name %s %s, which the OpenAPI files lack", o.methods, o.verb, o.path)
		}
		anchor := "#api" + strings.NewReplacer("/", "-", "{", "", "}", "", ".", "-").Replace(strings.ToLower(o.path)) + "-" + strings.ToLower(o.verb)
		if !strings.HasSuffix(o.page, anchor) {
			t.Errorf("%v link to %s, want the anchor %s", o.methods, o.page, anchor)
		}
	}
	if n < 8 {
		t.Errorf("%d operations were looked for in the OpenAPI files, want more", n)
	}
}

// docs/jira-operations.md is the list of what the code states, with the scopes of Atlassian's files.
func TestOperationsList(t *testing.T) {
	want := writeOperations(directives(t), specifications(t))
	if *updateOperations {
		if err := os.WriteFile(operationsList, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(operationsList)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code states; write it with: go test ./jira -run TestOperationsList -update-operations\nwant:\n%s", operationsList, want)
	}
}

func writeOperations(all []operation, specs specification) []byte {
	var b bytes.Buffer
	b.WriteString(`# What the client asks of Jira

Each REST operation that package ` + "`jira`" + ` uses, with its documentation; a test keeps this list equal to the code.
Where Cloud has ` + "`/rest/api/3`" + `, Data Center has ` + "`/rest/api/2`" + `. Scopes are those that OAuth and scoped API tokens need.

| operation | scopes | methods of Client | page |
| --- | --- | --- | --- |
`)
	for _, o := range all {
		fmt.Fprintf(&b, "| `%s %s` | %s | %s | <%s> |\n", o.verb, o.path, specs.scopes(o), strings.Join(o.methods, ", "), o.page)
	}
	return b.Bytes()
}
