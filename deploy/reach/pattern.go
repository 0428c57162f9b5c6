package reach

// overlaps tells whether some text is matched by both patterns, in which * is
// any text, slashes included, and ? any one character, as in IAM.
func overlaps(a, b string) bool {
	switch {
	case a != "" && a[0] == '*':
		return overlaps(a[1:], b) || b != "" && overlaps(a, b[1:])
	case b != "" && b[0] == '*':
		return overlaps(b, a)
	case a == "" || b == "":
		return a == b
	default:
		return (a[0] == b[0] || a[0] == '?' || b[0] == '?') && overlaps(a[1:], b[1:])
	}
}
