package mapping

import "maps"

// Text gives the text at a path of keys, or "" where there is none or it is no text. Only what
// the item was decoded with can be found.
func (i Item) Text(path ...string) string {
	v := i.value
	for _, key := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[key]
	}
	text, _ := v.(string)
	return text
}

// OnlyFields gives the item with no other keys in its `fields` than those named, as Jira would
// have given it to somebody who asked for these alone.
func (i Item) OnlyFields(names []string) Item {
	object, ok := i.value.(map[string]any)
	if !ok {
		return i
	}
	fields, ok := object["fields"].(map[string]any)
	if !ok {
		return i
	}
	visible := make(map[string]any, len(names))
	for _, name := range names {
		if v, ok := fields[name]; ok {
			visible[name] = v
		}
	}
	object = maps.Clone(object)
	object["fields"] = visible
	return Item{object}
}
