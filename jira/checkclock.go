package jira

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// readInfo reads the version, and compares the site's clock with ours. An answer
// from before, by which the address was found, would not tell the time.
func (k *check) readInfo(ctx context.Context) error {
	var info struct {
		Version    string `json:"version"`
		ServerTime string `json:"serverTime"`
	}
	sent := time.Now()
	err := k.do(ctx, &call{
		method: http.MethodGet,
		path:   "/rest/api/3/serverInfo",
		decode: func(body []byte) error {
			if err := decodeObject(body, &info); !errors.Is(err, ErrNotJira) {
				return err
			}
			return nil // a field of another type, as in other versions of Jira, is left out
		},
	})
	came := time.Now()
	if err != nil {
		return err
	}
	k.report.Version = info.Version
	k.clock = CheckRow{Subject: "clock", State: CheckOK, Detail: "Jira does not tell its time", Count: -1}
	if theirs, err := time.Parse(clockLayout, info.ServerTime); err == nil {
		k.report.Skew = surelyAhead(theirs, sent, came)
		k.clock = clockRow(k.report.Skew)
	}
	return nil
}

// clockLayout is how serverInfo writes the time.
const clockLayout = "2006-01-02T15:04:05.999-0700"

// maxSkew is how far a clock may be off before something is likely to go wrong
// by it: JQL counts time in minutes.
const maxSkew = time.Minute

// surelyAhead is by how much the clock that showed theirs is ahead of ours at the
// least: Jira read it at some moment from sent to came, and cut it to milliseconds.
func surelyAhead(theirs, sent, came time.Time) time.Duration {
	latest := theirs.Add(time.Millisecond)
	switch {
	case theirs.After(came):
		return theirs.Sub(came)
	case latest.Before(sent):
		return latest.Sub(sent)
	}
	return 0
}

// clockRow judges the skew, whose sign is that of [CheckReport.Skew].
func clockRow(skew time.Duration) CheckRow {
	row := CheckRow{Subject: "clock", State: CheckOK, Detail: "within a minute of ours", Count: -1}
	if skew.Abs() <= maxSkew {
		return row
	}
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	row.State = CheckWarning
	row.Detail = "Jira's clock is " + skew.Abs().Round(time.Second).String() + " " + side + " ours"
	row.Remedy = "set the clock of this machine by a time server, or that of Jira: what has changed is asked for by time"
	return row
}
