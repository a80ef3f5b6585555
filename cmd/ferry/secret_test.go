package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestSecretIsNeverShown prints it in each way that a line of code might, by itself and inside the settings.
func TestSecretIsNeverShown(t *testing.T) {
	const text = "hush"
	set := settings{JiraToken: secret{text}, PortClientSecret: secret{text}}
	set.Login = login{ClientSecret: secret{text}, RefreshToken: secret{text}}
	set.Connection = connection{Proxy: secret{"http://sam:" + text + "@proxy.example"}}
	var logged bytes.Buffer
	for _, log := range []*slog.Logger{logger(&logged, slog.LevelDebug, "text"), logger(&logged, slog.LevelDebug, "json")} {
		log.Info("settings", "settings", set, "token", set.JiraToken, "pointer", &set.JiraToken)
	}
	marshalled, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{logged.String(), string(marshalled)}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown = append(shown, fmt.Sprintf(format, set.JiraToken), fmt.Sprintf(format, &set.JiraToken), fmt.Sprintf(format, set))
	}
	for _, s := range shown {
		if strings.Contains(s, text) || strings.Contains(s, fmt.Sprintf("%x", text)) {
			t.Errorf("a secret is shown: %s", s)
		}
	}
}
