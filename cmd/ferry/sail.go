package main

import "context"

// sailCommand is how the integration that Ferry replaces is started. Deployments have its command line.
type sailCommand struct {
	syncCommand

	Once       bool   `short:"O" help:"Sync once and exit."`
	Initialize string `short:"i" name:"initialize-port-resources" placeholder:"BOOL" help:"Make blueprints and mapping in Port where it has none."`
	Port       int    `short:"p" help:"Accepted; a single sync listens on no port."`
	Path       string `arg:"" optional:"" help:"The directory with .env and config.yaml."`
}

func (c *sailCommand) Run(ctx context.Context, a *app) error {
	if !c.Once {
		return &ending{exitUsage, "sail needs --once: ferry syncs once and exits", []string{"add --once, or use ferry sync"}}
	}
	if c.Path != "" {
		a.around.dir = c.Path
	}
	l, faults := c.layer()
	l.put(initializeResources, "--initialize-port-resources", c.Initialize)
	return c.sync(ctx, a, l, faults)
}
