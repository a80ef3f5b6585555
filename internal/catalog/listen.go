package catalog

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// listen wakes whoever reads Jira for hints that other processes put down, until ctx ends. What
// was told while nobody listened is not told again, so it also wakes after each connecting; and
// whoever is woken looks at the rows, so a wake too many costs a look.
func (p *postgres) listen(ctx context.Context, channel string, arrived wake) {
	said := &saying{log: p.Logger}
	for {
		err := p.hear(ctx, channel, func() {
			said.say(slog.LevelDebug, "listening for hints of other processes")
			arrived.set()
		})
		if ctx.Err() != nil {
			return
		}
		said.say(slog.LevelWarn, "hints of other processes are found late: nothing is heard from the database", "err", explain(err))
		if !pause(ctx, soon) {
			return
		}
	}
}

// hear calls told when it begins to listen, and for each notice, until the connection ends.
func (p *postgres) hear(ctx context.Context, channel string, told func()) error {
	conn, err := pgx.ConnectConfig(ctx, p.address.Copy())
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // it only listened
	}()
	if err := configure(ctx, conn, everySession); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	for {
		told()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
