package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// reader takes settings from sources by name, and notes a fault for each that is missing or not what it should be.
// A fault names the setting and its source. Its value is shown only where no secret can be in it.
type reader struct{ *sources }

func (r *reader) text(name, preset string) string {
	v, _ := r.look(name)
	return cmp.Or(v.text, preset)
}

// where names a setting, with its source if it has one.
func (r *reader) where(name string) string {
	v, _ := r.look(name)
	return cmp.Or(v.where, name)
}

// required is a text that must be there. hint says what to do.
func (r *reader) required(name, hint string) string {
	v, ok := r.look(name)
	switch {
	case ok && v.text == "":
		r.fault(v.where + " is empty: " + hint)
	case !ok:
		r.fault(name + " is missing: " + hint)
	}
	return v.text
}

// word is a name that goes into paths and headers.
func (r *reader) word(name, preset string) string {
	text := r.text(name, preset)
	if strings.ContainsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		r.fault(fmt.Sprintf("%s is %q: it should be without spaces", r.where(name), text))
	}
	return text
}

// site is the address of a service, without slashes at its end. Without a preset it is required.
func (r *reader) site(name, preset, hint string) string {
	text := r.text(name, preset)
	if text == "" {
		return r.required(name, hint)
	}
	text = strings.TrimRight(text, "/")
	if fault := siteFault(text); fault != "" {
		r.fault(r.where(name) + " " + fault)
	}
	return text
}

func siteFault(text string) string {
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"):
		return "holds a user name or a password: it should be the address alone"
	case err != nil || (u.Scheme != "https" && u.Scheme != "http"):
		return fmt.Sprintf("is %q: it should be a URL that begins with https://", text)
	case u.Hostname() == "":
		return fmt.Sprintf("is %q: it should have the name of a host after %s://", text, u.Scheme)
	case u.RawQuery != "" || u.Fragment != "":
		return "has a part after ? or #: it should end before it"
	}
	return ""
}

// choice is one of a few words, in any case. should names those that a person is told of.
func choice[T any](r *reader, name string, preset T, words map[string]T, should string) T {
	text := r.text(name, "")
	if text == "" {
		return preset
	}
	chosen, ok := words[strings.ToLower(text)]
	if !ok {
		r.fault(fmt.Sprintf("%s is %q: it should be %s", r.where(name), text, should))
	}
	return chosen
}

// list is a list of words, with commas between or as JSON.
func (r *reader) list(name, preset string) []string {
	text := r.text(name, preset)
	var words []string
	if json.Unmarshal([]byte(text), &words) != nil {
		words = strings.Split(text, ",")
	}
	for i := range words {
		words[i] = strings.TrimSpace(words[i])
	}
	return slices.DeleteFunc(words, func(word string) bool { return word == "" })
}

// minutes is a positive whole number, 0 if it is not given.
func (r *reader) minutes(name string) int {
	text := r.text(name, "")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		r.fault(fmt.Sprintf("%s is %q: it should be a number of minutes, like 60", r.where(name), text))
	}
	return n
}

// number is a whole number from least to most, the preset if it is not given.
func (r *reader) number(name string, preset, least, most int) int {
	text := r.text(name, "")
	if text == "" {
		return preset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		r.fault(fmt.Sprintf("%s is %q: it should be a number from %d to %d", r.where(name), text, least, most))
	}
	return n
}

// requiredSecret is a secret, or what the file named by another setting holds.
func (r *reader) requiredSecret(name, fileName, hint string) secret {
	path := r.text(fileName, "")
	if r.text(name, "") != "" || path == "" {
		return secret{r.required(name, hint)}
	}
	content, err := os.ReadFile(path)
	text := strings.TrimSpace(string(content))
	switch {
	case err != nil:
		r.fault(fmt.Sprintf("%s is %q, which cannot be read: %s", r.where(fileName), path, reason(err)))
	case text == "":
		r.fault(fmt.Sprintf("%s is %q, which is empty: it should hold what %s would", r.where(fileName), path, name))
	}
	return secret{text}
}

// file is the path of a file and what the file holds.
func (r *reader) file(name string) (string, []byte) {
	path := r.text(name, "")
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	switch {
	case err != nil:
		r.fault(fmt.Sprintf("%s is %q, which cannot be read: %s", r.where(name), path, reason(err)))
	case len(strings.TrimSpace(string(content))) == 0:
		r.fault(fmt.Sprintf("%s is %q, which is empty: it should hold a mapping", r.where(name), path))
	}
	return path, content
}
