package catalog

// takesAway are the items of the batch of which a page of an index would take an entity away.
// That is for a direct read to say: what the index shows may be as it was, also where its `updated`
// is not less than the row's, since that follows no other clock than that of the node on which
// the issue was changed, and a new key of a project changes it in no issue.
//
// What a resource claims that the mapping has no more goes by the mapping, not by the page.
func (a *applying) takesAway() (map[string]bool, error) {
	taking := map[string]bool{}
	if !a.batch.Index {
		return taking, nil
	}
	type naming struct {
		gone  bool
		heard map[int]bool // by resource
		named map[entityKey]bool
	}
	said := map[string]naming{}
	for _, item := range a.batch.Items {
		n := naming{item.Gone, map[int]bool{}, map[entityKey]bool{}}
		for _, c := range item.Claims {
			n.heard[c.Resource] = true
			for _, e := range c.Entities {
				n.named[entityKey{e.Blueprint, e.Identifier}] = !item.Gone
			}
		}
		said[item.ID] = n
	}
	err := queryIn(a.tx, `
		SELECT c.item, c.resource, e.blueprint, e.identifier FROM claim AS c JOIN entity AS e ON e.id = c.entity
		WHERE c.integration = ? AND c.reading = ? AND c.parent = ? AND c.item IN (%s)`,
		a.scope(), a.ids(a.batch.Items), func(scan func(...any) error) error {
			var id string
			var resource int
			var e entityKey
			err := scan(&id, &resource, &e.blueprint, &e.identifier)
			n := said[id]
			taking[id] = taking[id] || (n.gone || n.heard[resource]) && !n.named[e]
			return err
		})
	return taking, err
}
