package deliver

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ferry/internal/port"
)

// Why something is set aside: sentences for the person who must do something about it, each
// with what to do.

const (
	tooLarge = "larger than Port takes (1 MiB): map fewer or shorter properties"
	noMatch  = "no entity in Port matches its search: make one that does, or change the search in the mapping"

	afterwards = "change the mapping or the blueprint so that Port takes it; it is sent again in every run"
)

func noBlueprint(blueprint string) string {
	return fmt.Sprintf("Port has no blueprint %q: create it, or change the mapping's blueprint", blueprint)
}

func refusedEntity(e *port.EntityError) string {
	switch {
	case e.MissingRelation():
		return fmt.Sprintf("Port does not have what it relates to (%s): have the mapping make that entity, or set createMissingRelatedEntities", cut(e.Message))
	case e.Passing():
		return fmt.Sprintf("Port did not take it this time (%s): it is sent again in every run; if this stays, ask Port's support", cut(e.Message))
	}
	return fmt.Sprintf("Port refused it (%s): %s", cut(e.Message), afterwards)
}

func refusedWhole(err error) string {
	return fmt.Sprintf("Port refused it (%s): %s", cut(message(err)), afterwards)
}

// message is Port's own sentence, where it gave one.
func message(err error) string {
	if e, ok := errors.AsType[*port.Error](err); ok && e.Message != "" {
		return e.Message
	}
	return err.Error()
}

// cut shortens Port's own words to 300 bytes.
func cut(s string) string {
	const most = 300
	s = strings.TrimRight(strings.TrimSpace(s), ".")
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
