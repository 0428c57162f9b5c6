// Package header reads and writes the HTTP fields that the byte routes live by:
// entity tags and conditions, ranges, digests, media types, dispositions. Its
// functions are pure; what they refuse is an INVALID_ARGUMENT or
// UNSUPPORTED_MEDIA error that names the field.
package header
