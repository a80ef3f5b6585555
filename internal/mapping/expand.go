package mapping

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// An expansion makes several items of one: itemsToParse and its two options.
type expansion struct {
	list     *program
	name     string   // the key under which an element stands; "item" unless set
	deletion *program // removes the list from the parent; nil where nothing is removed
}

const maxEntities = 10_000 // of one item; more is a mapping gone wrong

// items gives one item for each element of the list. null and an empty list
// cleanly give none.
func (x *expansion) items(ctx context.Context, item any) ([]any, error) {
	out, err := x.list.run(ctx, item)
	if err != nil || out == nil {
		return nil, err
	}
	list, ok := out.([]any)
	if !ok {
		return nil, fmt.Errorf("gave %s, should give a list", typeName(out))
	}
	if len(list) > maxEntities {
		return nil, fmt.Errorf("gave %d elements; one item may make %d entities", len(list), maxEntities)
	}
	parent, err := x.parent(ctx, item)
	if err != nil {
		return nil, err
	}
	items := make([]any, len(list))
	for i, element := range list {
		object := maps.Clone(parent)
		object[x.name] = element
		items[i] = object
	}
	return items, nil
}

// parent gives the item without the list, where that was asked for and can be
// done. An item from which nothing can be removed is kept whole: its entities
// do not depend on what else it holds.
func (x *expansion) parent(ctx context.Context, item any) (map[string]any, error) {
	object, ok := item.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the item is %s, should be an object", typeName(item))
	}
	if x.deletion == nil {
		return object, nil
	}
	out, err := x.deletion.run(ctx, item)
	if isLimit(ctx, err) {
		return nil, err
	}
	if rest, ok := out.(map[string]any); ok && err == nil {
		return rest, nil
	}
	return object, nil
}

// The deletion path is found as the incumbent finds it: by looking at the
// text. The first segment of the pipe, inside an opening bracket if the text
// begins with one, that starts like a path gives it.
var (
	skippedSegment = regexp.MustCompile(`^(\.|\$.*|\.\s+as\s+\$\w+)$`)
	leadingPath    = regexp.MustCompile(`^(?:\.\w+|\.?\[[^\]]*\])(?:\.\w+|\.?\[[^\]]*\])*`)
)

// deletionPath gives the path to remove, or "" where the text shows none.
func deletionPath(expr string) string {
	text := strings.TrimSpace(expr)
	if strings.HasPrefix(text, "(") {
		inner, _, found := strings.Cut(text[1:], ")")
		if !found {
			return ""
		}
		text = inner
	}
	for _, segment := range strings.Split(text, "|") {
		segment = strings.TrimSpace(segment)
		if skippedSegment.MatchString(segment) {
			continue
		}
		if path := leadingPath.FindString(segment); path != "" && path[0] == '.' {
			return path
		}
	}
	return ""
}
