package main

import "context"

// sailCommand is how the integration that Ferry replaces is started. Deployments have its command line.
type sailCommand struct {
	runCommand

	Once       bool   `short:"O" help:"Sync once and exit."`
	Plain      bool   `help:"Print lines instead of progress bars."`
	Initialize string `short:"i" name:"initialize-port-resources" placeholder:"BOOL" help:"Make blueprints and mapping in Port where it has none."`
	Path       string `arg:"" optional:"" help:"The directory with .env and config.yaml."`
}

func (c *sailCommand) Run(ctx context.Context, a *app) error {
	if c.Path != "" {
		a.around.dir = c.Path
	}
	l, faults := c.layer()
	l.put(initializeResources, "--initialize-port-resources", c.Initialize)
	if c.Once {
		l.put(listenerType, "--once", listenOnce)
	}
	return c.runWith(ctx, a, l, faults)
}
