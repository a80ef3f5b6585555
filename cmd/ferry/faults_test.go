package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNoFaultShowsASecret puts a secret wherever a person may put it, in texts that are broken in many ways, and looks
// for it in all that is said about them.
func TestNoFaultShowsASecret(t *testing.T) {
	names := []string{jiraToken, portClientSecret, strings.ToLower(portClientSecret), "OCEAN__PORT", "OCEAN__INTEGRATION", "OCEAN__INTEGRATION__CONFIG", jiraEmail, oauthClientSecret, oauthRefreshToken, jiraProxy, databaseURL, webhookSecret, "OCEAN__EVENT_LISTENER"}
	shapes := []string{
		"%", `{"client_secret":"%"}`, `{"client_secret":"%"`, `{"client_secret":%}`, `["%"]`, `{"config":"%"}`,
		`{"config":{"atlassian_user_token":["%"]}}`, `"%"`, "'%", "{{ from env % }}", "*%", "postgres://ferry:%@h/db", "postgres://ferry:a%", "postgresql://u:%@[h/db", "postgres://h/?sslmode=%", "mysql://u:%@h/db", "&%", "!!int %", "%: %", "a b %",
	}
	yamls := []string{
		"port: {clientSecret: %}", "port:\n  clientSecret: %\n bad", "integration:\n  config:\n    atlassianUserToken: %\n", "%", "port: %",
		"port:\n  clientSecret: \"%", "a: 1\na: %\n? [%]\n: 2",
	}
	const hush = "QZhushQZ"
	dir := t.TempDir()
	write := func(t *rapid.T, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		with := func(text, value string) string { return strings.ReplaceAll(text, "%", value) }
		value := with(rapid.SampledFrom(shapes).Draw(t, "shape"), hush)
		line := rapid.SampledFrom(names).Draw(t, "name") + rapid.SampledFrom([]string{"=", ": ", " ", "\n"}).Draw(t, "sign") + value
		write(t, ".env", rapid.SampledFrom([]string{"", "A=1\n", "\"\n", "export "}).Draw(t, "before")+line+rapid.SampledFrom([]string{"", "\n", "\n}"}).Draw(t, "after"))
		write(t, "config.yaml", with(rapid.SampledFrom(yamls).Draw(t, "yaml"), value))
		env := []string{rapid.SampledFrom(names).Draw(t, "variable") + "=" + value}
		_, faults := read(gather(layer{}, surroundings{env, dir}), false)
		if all := strings.Join(faults, "\n"); strings.Contains(all, hush) {
			t.Fatalf("faults show a secret:\n%s", all)
		}
	})
}
