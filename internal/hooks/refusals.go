package hooks

// Refusals are the words for why a delivery may not be taken, so that each can be counted from the
// start.
func Refusals() []string {
	var words []string
	for _, r := range []Refusal{
		RefusedMethod, RefusedPath, RefusedEncoding, RefusedSize, RefusedUnsigned, RefusedSignature, RefusedToken,
		RefusedRate, RefusedCut, RefusedEvent, RefusedBusy, RefusedInbox, RefusedStopping,
	} {
		words = append(words, string(r))
	}
	return words
}
