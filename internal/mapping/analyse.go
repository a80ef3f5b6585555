package mapping

func (r *Resource) analyse() Paths { return Paths{Whole: true} }
