package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
)

// An Item is one decoded Jira object, or the parts of it that are read. It is
// never changed once made, so it may be mapped by many goroutines at once.
type Item struct{ value any }

// With gives the item with one more key, such as "__projectKey". The value may
// be anything that has a JSON form; one that has none panics, because it is
// Ferry's own. An item that is no object stays as it is.
func (i Item) With(key string, value any) Item {
	object, ok := i.value.(map[string]any)
	if !ok {
		return i
	}
	object = maps.Clone(object)
	object[key] = plain(value)
	return Item{object}
}

// plain turns a value of Go into one of jq.
func plain(value any) any {
	switch v := value.(type) {
	case nil, bool, string, int:
		return v
	case Item:
		return v.value
	}
	raw, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("mapping: a %T cannot be a part of an item: %v", value, err))
	}
	item, err := Decode(raw, Paths{Whole: true})
	if err != nil {
		panic(fmt.Sprintf("mapping: a %T cannot be a part of an item: %v", value, err))
	}
	return item.value
}
