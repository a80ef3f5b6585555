package defaults

import (
	"context"
	"encoding/json"
	"fmt"

	"ferry/internal/port"
)

// Outlook is what [Install] would find and make.
type Outlook struct {
	Found      port.Integration  // Raw is nil where Port does not know us yet
	Origin     string            // whose blueprints and mapping it gets: Default, Empty or Port
	Mapping    json.RawMessage   // that it would then have; nil where there is none, or where only Port can say
	Blueprints []json.RawMessage // that would be made, complete
}

// Foresee says what [Install] would do, and changes nothing. Its errors are those for which Install would do nothing.
func Foresee(ctx context.Context, client *port.Client, options Options) (o Outlook, err error) {
	in := newInstaller(client, options)
	o.Found, o.Origin, err = in.find(ctx)
	if err != nil {
		return o, fmt.Errorf("look up integration %q in Port: %w", client.Identifier(), err)
	}
	own := o.Origin == originDefault && !options.SkipResources && !o.Found.Initialized
	o.Mapping = o.Found.Config
	if o.Mapping == nil {
		o.Mapping = in.firstMapping(o, own)
	}
	if own {
		o.Blueprints, _, _, err = in.survey(ctx, Blueprints())
	}
	return o, err
}

// firstMapping is what an integration without a mapping would be given.
func (in installer) firstMapping(o Outlook, own bool) json.RawMessage {
	isNew := o.Found.Raw == nil
	switch {
	case own, isNew && o.Origin == originDefault: // a mapping comes with the integration, whatever else is skipped
		return config()
	case o.Origin == originEmpty && (isNew || !o.Found.Initialized):
		return emptyConfig
	}
	return nil
}
