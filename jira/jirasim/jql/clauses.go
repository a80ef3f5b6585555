package jql

// A Clause is one comparison of a query, as Jira would name it in an error.
type Clause struct {
	Field    string   // in its canonical spelling
	Operator string   // such as = or NOT IN, in capitals
	Values   []string // the literals; neither EMPTY nor functions
	Function string   // the first function that is called, or ""
}

// Clauses returns the comparisons of the query in their order.
func (q *Query) Clauses() []Clause {
	var all []Clause
	collect(q.where, &all)
	return all
}

func collect(n node, all *[]Clause) {
	switch n := n.(type) {
	case *group:
		for _, part := range n.parts {
			collect(part, all)
		}
	case not:
		collect(n.part, all)
	case *clause:
		found := Clause{Field: n.field.name, Operator: string(n.op)}
		for _, o := range n.operands {
			switch {
			case o.function != "" && found.Function == "":
				found.Function = o.function
			case o.function == "" && !o.empty:
				found.Values = append(found.Values, o.text)
			}
		}
		*all = append(*all, found)
	}
}
