package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ferry/internal/source"
	"ferry/jira"
)

// abilities are what reading a kind needs of Jira.
var abilities = map[string][]jira.Ability{
	source.Project: {jira.ReadProjects},
	source.Issue:   {jira.ReadIssues},
}

// webhooks are the abilities without which changes are seen by the next sync only.
var webhooks = []jira.Ability{jira.AdminWebhooks, jira.DynamicWebhooks}

// wanted are the abilities that the mapping needs; where there is none to be read, those of every kind.
func (k *checkup) wanted() []jira.Ability {
	kinds := source.Kinds()
	if k.mapping != nil {
		kinds = nil
		for _, r := range k.mapping.Resources {
			kinds = append(kinds, r.Kind)
		}
	}
	var all []jira.Ability
	for _, kind := range kinds {
		all = append(all, abilities[kind]...)
	}
	return append(all, webhooks...)
}

func (k *checkup) askJira(ctx context.Context) {
	var err error
	k.report, err = k.Jira.Check(ctx, k.wanted()...)
	if err != nil {
		k.jiraDown = true
		k.add(partJira, "login", gradeWrong, err.Error(), strings.Join(hintsFor(err, k.set), "; "))
		return
	}
	r := k.report
	k.add(partJira, "site", gradeOK, fmt.Sprintf("%s, %s %s", r.Site, r.Deployment, r.Version), "")
	canRegister := k.canRegister()
	for _, row := range r.Rows {
		switch {
		case row.Subject == "login" && row.State == jira.CheckOK:
			k.add(partJira, row.Subject, gradeOK, row.Detail+", as "+account(r.Account), "")
		case !isWebhook(row):
			k.add(partJira, row.Subject, gradeOf(row.State), detail(row), row.Remedy)
		case row.State == jira.CheckOK:
			k.add(partJira, row.Subject, gradeOK, "can be registered", "")
		case canRegister, row.State == jira.CheckNotHere && row.Subject != hintedWebhooks(r):
			// The other sort will do, or is nearer.
		default:
			k.add(partJira, row.Subject, gradeNote, detail(row), row.Remedy)
		}
	}
}

// canRegister reports whether a webhook of either sort can be registered.
func (k *checkup) canRegister() bool {
	return slices.ContainsFunc(k.report.Rows, func(row jira.CheckRow) bool { return isWebhook(row) && row.State == jira.CheckOK })
}

// detail is what was found, with the sort of trouble before it where that has a name.
func detail(row jira.CheckRow) string {
	switch row.State {
	case jira.CheckOK, jira.CheckWarning, jira.CheckFailed:
		return row.Detail
	}
	return string(row.State) + ": " + row.Detail
}

// canRead reports whether Jira gives what a kind needs.
func (k *checkup) canRead(kind string) bool {
	return !k.jiraDown && !slices.ContainsFunc(k.report.Rows, func(row jira.CheckRow) bool {
		return slices.Contains(abilities[kind], jira.Ability(row.Subject)) && gradeOf(row.State) == gradeWrong
	})
}

func isWebhook(row jira.CheckRow) bool { return slices.Contains(webhooks, jira.Ability(row.Subject)) }

// hintedWebhooks is the sort of webhooks that the login is nearest to, if it can have none: an app's token to its own.
func hintedWebhooks(r jira.CheckReport) string {
	if r.Login.Gateway && r.Login.Scheme == "Bearer" {
		return string(jira.DynamicWebhooks)
	}
	return string(jira.AdminWebhooks)
}

func account(u jira.User) string {
	text := u.ID()
	if u.DisplayName != "" {
		text = u.DisplayName + " (" + u.ID() + ")"
	}
	if u.TimeZone != "" {
		text += ", time zone " + u.TimeZone
	}
	return text
}

// gradeOf is what a state means for a sync: what it cannot read stops it.
func gradeOf(s jira.CheckState) grade {
	switch s {
	case jira.CheckOK:
		return gradeOK
	case jira.CheckWarning:
		return gradeWarning
	}
	return gradeWrong
}
