package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/bench/process"
)

// trial is one seed under way.
type trial struct {
	*plan
	options
	binary string
	dir    string
	site   *site
	port   port
	store  process.Store
	fleet  *fleet

	writtenBefore int // in Port, when the last delivery was settled
	result        result
}

// Every wait of a trial ends.
const (
	startPatience  = 30 * time.Second
	settlePatience = 60 * time.Second
	stays          = 300 * time.Millisecond // for how long Port must stay right
	trialLimit     = 3 * time.Minute
)

// try tries one seed. The error is one of the harness.
func try(ctx context.Context, o options, seed uint64, database database) (r result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, trialLimit, fmt.Errorf("seed %d on %s was not over after %s", seed, database, trialLimit))
	defer cancel()
	began := time.Now()
	t := &trial{plan: draw(seed, database, o.replicas), options: o, binary: o.ferry, dir: filepath.Join(o.dir, fmt.Sprintf("%s-%d", database, seed))}
	t.result = result{plan: t.plan, dir: t.dir}
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return t.result, err
	}
	defer func() {
		err = errors.Join(err, t.end())
		t.result.took = time.Since(began)
		r = t.result
		switch {
		case err != nil || len(r.failures) > 0:
		case t.slow > 0 && r.right > t.slow:
			err = t.port.keep(filepath.Join(t.dir, "port-requests"))
		default:
			err = errors.Join(t.store.Remove(), os.RemoveAll(t.dir))
		}
	}()
	if err := t.set(ctx); err != nil {
		return t.result, err
	}
	return t.result, t.run(ctx)
}

// set sets the scene.
func (t *trial) set(ctx context.Context) (err error) {
	if t.site, err = newSite(t.plan, filepath.Join(t.dir, "diary")); err != nil {
		return err
	}
	if t.port, err = newPort(t.plan); err != nil {
		return err
	}
	if err := os.WriteFile(t.mappingFile(), []byte(t.mapping()), 0o600); err != nil {
		return err
	}
	t.store = process.SQLite(t.dir)
	if t.plan.database == onPostgres {
		if t.store, err = process.PostgreSQL(ctx, t.postgres, fmt.Sprintf("soak_%d", t.seed)); err != nil {
			return err
		}
	}
	settings := t.settings(t.port.web.url)
	maps.Copy(settings, t.store.Settings)
	t.fleet, err = newFleet(ctx, t.plan, t.binary, t.dir, settings)
	return err
}

func (t *trial) mappingFile() string { return filepath.Join(t.dir, "mapping.yaml") }

func (t *trial) settings(portURL string) map[string]string {
	return map[string]string{
		"OCEAN__INTEGRATION__CONFIG__JIRA_HOST":            t.site.web.url,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL": email,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN": token,
		"OCEAN__PORT__CLIENT_ID":                           clientID,
		"OCEAN__PORT__CLIENT_SECRET":                       clientSecret,
		"OCEAN__PORT__BASE_URL":                            portURL,
		"OCEAN__INTEGRATION__IDENTIFIER":                   identifier,
		"OCEAN__BASE_URL":                                  frontAddress,
		"OCEAN__EVENT_LISTENER__RESYNC_ON_START":           fmt.Sprint(t.resync),
		"APPLICATION__LOG_LEVEL":                           "DEBUG",
		"FERRY_MAPPING":                                    t.mappingFile(),
	}
}

func (t *trial) end() (err error) {
	if t.fleet != nil {
		_ = t.fleet.endAll(false) // what is wrong was found before
	}
	if t.port.web != nil {
		t.port.web.close()
	}
	if t.site != nil {
		err = t.site.close()
	}
	return err
}

// run lets everything happen, and judges.
func (t *trial) run(ctx context.Context) error {
	transport := &http.Transport{MaxIdleConnsPerHost: 30}
	defer transport.CloseIdleConnections()
	t.delivery.Transport = front{t.fleet, transport}
	t.site.deliver(t.delivery)
	if err := t.fleet.start(); err != nil {
		return err
	}
	if failure := t.ready(ctx); failure != "" {
		return t.fail(ctx, failure)
	}
	if err := t.storm(ctx); err != nil {
		return err
	}
	if err := t.calm(ctx); err != nil {
		return err
	}
	if t.gap {
		if err := t.outage(ctx); err != nil {
			return err
		}
	}
	return t.judge(ctx)
}

// ready waits until Jira has the webhook and, unless this is a seed that does not, until the first
// resync has ended.
func (t *trial) ready(ctx context.Context) (failure string) {
	for until := time.Now().Add(startPatience); time.Now().Before(until); {
		if len(t.site.Webhooks()) > 0 && (t.early || t.resynced()) {
			return ""
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return "the seed took too long before anything changed"
		}
	}
	return fmt.Sprintf("after %s the webhook was not there or the first resync had not ended", startPatience)
}

func (t *trial) resynced() bool {
	var record struct{ ResyncState struct{ Status string } }
	return json.Unmarshal(t.port.Integration(identifier), &record) == nil && record.ResyncState.Status == "completed"
}

// storm is the time in which everything happens at once.
func (t *trial) storm(ctx context.Context) error {
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.site.work(ctx, t.events, t.span, t.site.something) })
	group.Go(func() error {
		for _, s := range t.strikes {
			if err := pause(ctx, time.Until(began.Add(s.at))); err != nil {
				return err
			}
			if err := t.fleet.strike(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	for _, spell := range t.troubles {
		group.Go(func() error {
			if err := pause(ctx, spell.at); err != nil {
				return err
			}
			during, cancel := context.WithTimeout(ctx, spell.lasts)
			defer cancel()
			t.side(spell).trouble(during, spell.share)
			return nil
		})
	}
	return group.Wait()
}

func (t *trial) side(s spell) *unreliable {
	if s.jira {
		return t.site.web
	}
	return t.port.web
}

// calm ends all trouble. What Jira has lost is for the resync of a last start to find.
func (t *trial) calm(ctx context.Context) error {
	t.site.web.heal()
	t.port.web.heal()
	if !t.lossy {
		return nil
	}
	d := t.delivery
	d.Lose = 0
	t.site.deliver(d)
	_ = t.fleet.endAll(false)
	t.fleet.struck += len(t.fleet.places)
	// The resync lists what the index holds. What it does not yet hold is for the next look, minutes later.
	if err := pause(ctx, t.indexLag); err != nil {
		return err
	}
	return t.fleet.start()
}

// outage ends all when everything is delivered, and lets people work until Jira has given up
// delivering it.
func (t *trial) outage(ctx context.Context) error {
	if err := t.site.settled(ctx, settlePatience); err != nil {
		return t.fail(ctx, err.Error())
	}
	_ = t.fleet.endAll(false)
	t.fleet.struck += len(t.fleet.places)
	d := t.delivery
	d.Retries = -1
	t.site.deliver(d)
	if err := t.site.work(ctx, 100, 50*time.Millisecond, t.site.harmless); err != nil {
		return err
	}
	if err := t.site.settled(ctx, settlePatience); err != nil {
		return t.fail(ctx, err.Error())
	}
	// A catch-up finds what the index holds. What it does not yet hold is for the next one, minutes later.
	if err := pause(ctx, t.indexLag); err != nil {
		return err
	}
	t.site.deliver(t.delivery)
	return t.fleet.start()
}

// judge waits for the last delivery and then looks whether Port becomes right, and stays so.
func (t *trial) judge(ctx context.Context) error {
	gaveUp := t.site.DeliveryStats().GivenUp // in the outage
	if err := t.site.settled(ctx, settlePatience); err != nil {
		return t.fail(ctx, err.Error())
	}
	from := time.Now()
	t.writtenBefore = t.port.written()
	if err := pause(ctx, t.indexLag); err != nil {
		return err
	}
	want, err := t.fresh(ctx)
	if err != nil {
		return err
	}
	after, right, err := t.becomesRight(ctx, want, from)
	if err != nil {
		return err
	}
	t.result.right = after
	if !right {
		return t.fail(ctx, fmt.Sprintf("  after %s Port is not as Jira is:\n%s", t.patience, t.compare(want)))
	}
	if err := pause(ctx, stays); err != nil {
		return err
	}
	if right, t.result.stubs = t.right(want); !right {
		return t.fail(ctx, "  Port was right, and did not stay so:\n"+t.compare(want))
	}
	if stats := t.site.DeliveryStats(); stats.GivenUp > gaveUp || stats.Dropped > 0 {
		return t.fail(ctx, fmt.Sprintf("  %d deliveries were refused for good, %d lost their webhook", stats.GivenUp-gaveUp, stats.Dropped))
	}
	return t.farewell(ctx)
}

// compare says what differs, and keeps both Ports.
func (t *trial) compare(want string) string {
	got := t.port.Dump()
	for name, dump := range map[string]string{"port-wanted": want, "port-found": got} {
		if err := os.WriteFile(filepath.Join(t.dir, name), []byte(dump), 0o600); err != nil {
			return err.Error()
		}
	}
	if err := t.port.keep(filepath.Join(t.dir, "port-requests")); err != nil {
		return err.Error()
	}
	return difference(want, got)
}

// farewell ends the processes and looks whether any did what none may.
func (t *trial) farewell(ctx context.Context) error {
	troubles := t.fleet.troubles()
	if t.gentle {
		if err := t.fleet.endAll(true); err != nil {
			troubles = append(troubles, err.Error())
		}
	}
	for _, trouble := range troubles {
		_ = t.fail(ctx, "  "+trouble)
	}
	t.count()
	return nil
}

// fail notes that the seed has failed. It is no error of the harness, unless that was told to end.
func (t *trial) fail(ctx context.Context, failure string) error {
	t.count()
	if len(t.result.failures) == 0 {
		failure += "\n" + t.fleet.tail(8)
	}
	t.result.failures = append(t.result.failures, failure)
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return nil
}

func (t *trial) count() {
	stats := t.site.DeliveryStats()
	t.result.events, t.result.strikes = t.site.events, t.fleet.struck
	t.result.deliveries, t.result.repeated, t.result.twice = stats.Delivered, stats.Retried, stats.Duplicated
	t.result.lost = stats.Lost + stats.GivenUp
}

// pause ends after d or with ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(max(0, d)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
