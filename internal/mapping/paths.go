package mapping

// Each is the key of [Paths.Keys] under which stands what is read of every
// element of a list, or of every value of an object that is iterated.
const Each = "[]"

// Paths says which parts of a value are read. The zero Paths reads nothing but
// whether the value is there and of which type it is.
type Paths struct {
	Whole bool             // the value itself is used: all of it is read
	Keys  map[string]Paths // what is read of its keys; nil when Whole
}

// Union gives what is read by a or by b.
func Union(a, b Paths) Paths {
	if a.Whole || b.Whole {
		return Paths{Whole: true}
	}
	if len(a.Keys) == 0 {
		return b
	}
	if len(b.Keys) == 0 {
		return a
	}
	keys := make(map[string]Paths, len(a.Keys)+len(b.Keys))
	for k, p := range a.Keys {
		keys[k] = p
	}
	for k, p := range b.Keys {
		if q, ok := keys[k]; ok {
			p = Union(p, q)
		}
		keys[k] = p
	}
	return Paths{Keys: keys}
}
