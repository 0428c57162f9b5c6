package resource

import "strings"

// EtagMatches reports whether a given etag matches the current one. Given may
// be empty (anything matches), the bare tag, or what an If-Match header holds:
// quoted tags joined by commas, or "*". A weak tag never matches, since
// If-Match compares strongly (RFC 9110, section 13.1.1).
func EtagMatches(given, current string) bool {
	if given == "" || given == "*" || given == current {
		return true
	}
	for tag := range strings.SplitSeq(given, ",") {
		tag = strings.TrimSpace(tag)
		if unquoted, ok := strings.CutPrefix(tag, `"`); ok && strings.TrimSuffix(unquoted, `"`) == current {
			return true
		}
	}
	return false
}
