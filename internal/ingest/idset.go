package ingest

import "strconv"

// idSet holds the ids a listing gave, to count them once each: pages may overlap. Jira's ids
// are numbers that lie close together, so a bit each, in blocks of 8192, takes little more than
// an eighth of a byte an id; what is no number is kept as text.
type idSet struct {
	blocks map[uint64]*[128]uint64
	texts  map[string]struct{}
	n      int
}

// add tells whether id was not there yet.
func (s *idSet) add(id string) bool {
	number, err := strconv.ParseUint(id, 10, 63)
	if err != nil || strconv.FormatUint(number, 10) != id {
		return s.addText(id)
	}
	if s.blocks == nil {
		s.blocks = map[uint64]*[128]uint64{}
	}
	block := s.blocks[number>>13]
	if block == nil {
		block = new([128]uint64)
		s.blocks[number>>13] = block
	}
	word, bit := &block[number>>6&127], uint64(1)<<(number&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	s.n++
	return true
}

func (s *idSet) addText(id string) bool {
	if _, there := s.texts[id]; there {
		return false
	}
	if s.texts == nil {
		s.texts = map[string]struct{}{}
	}
	s.texts[id] = struct{}{}
	s.n++
	return true
}

// fresh are those of ids that were not in the set, which now holds them.
func (s *idSet) fresh(ids []string) []string {
	var added []string
	for _, id := range ids {
		if s.add(id) {
			added = append(added, id)
		}
	}
	return added
}
