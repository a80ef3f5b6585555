package mapping

// Properties are the names of the blueprint's properties that the resource sets, sorted.
func (r *Resource) Properties() []string { return namesOf(r.properties) }

// Relations are the names of the blueprint's relations that the resource sets, sorted.
func (r *Resource) Relations() []string { return namesOf(r.relations) }

func namesOf(fields []*field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}
