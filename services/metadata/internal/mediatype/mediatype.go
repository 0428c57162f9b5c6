// Package mediatype tells the media type of contents whose uploader named none,
// by the extension of the file's name. The table is built in, so that every
// machine gives the same answer.
package mediatype

import (
	"mime"
	"path"
	"strings"

	"github.com/holdfast-files/holdfast/internal/fault"
)

// Unknown is the type of contents that nothing is known about.
const Unknown = "application/octet-stream"

const maxBytes = 255

// Of returns the media type for a given type, which wins when it is not empty,
// and a name. A given type that is malformed is INVALID_ARGUMENT.
func Of(given, name string) (string, error) {
	if given == "" {
		if known, ok := byExtension[strings.ToLower(path.Ext(name))]; ok {
			return known, nil
		}
		return Unknown, nil
	}
	return given, Check(given)
}

// Check returns INVALID_ARGUMENT for a malformed media type.
func Check(given string) error {
	if len(given) > maxBytes {
		return fault.Invalidf("content_type", "must not be longer than %d bytes", maxBytes)
	}
	parsed, _, err := mime.ParseMediaType(given)
	if err != nil || !strings.Contains(parsed, "/") || strings.ContainsFunc(given, unprintable) {
		return fault.Invalidf("content_type", "%q is not a media type", given)
	}
	return nil
}

// unprintable reports whether a character has no place in a header field, where
// the type will stand; mime.ParseMediaType takes some within quotes.
func unprintable(r rune) bool { return r < ' ' || r > '~' }

var byExtension = map[string]string{
	".7z": "application/x-7z-compressed", ".aac": "audio/aac", ".apk": "application/vnd.android.package-archive",
	".avif": "image/avif", ".avi": "video/x-msvideo", ".bin": Unknown, ".bmp": "image/bmp",
	".bz2": "application/x-bzip2", ".c": "text/plain; charset=utf-8", ".css": "text/css; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".doc": "application/msword",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".epub": "application/epub+zip", ".flac": "audio/flac", ".gif": "image/gif",
	".go": "text/plain; charset=utf-8", ".gz": "application/gzip", ".heic": "image/heic",
	".htm": "text/html; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon",
	".ics": "text/calendar; charset=utf-8", ".jar": "application/java-archive", ".java": "text/plain; charset=utf-8",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".jsonl": "application/jsonl", ".log": "text/plain; charset=utf-8",
	".m4a": "audio/mp4", ".m4v": "video/mp4", ".md": "text/markdown; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".mkv": "video/x-matroska", ".mov": "video/quicktime", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
	".mpeg": "video/mpeg", ".odp": "application/vnd.oasis.opendocument.presentation",
	".ods": "application/vnd.oasis.opendocument.spreadsheet", ".odt": "application/vnd.oasis.opendocument.text",
	".ogg": "audio/ogg", ".opus": "audio/ogg", ".otf": "font/otf", ".parquet": "application/vnd.apache.parquet",
	".pdf": "application/pdf", ".png": "image/png", ".ppt": "application/vnd.ms-powerpoint",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".ps":   "application/postscript", ".py": "text/plain; charset=utf-8", ".rar": "application/vnd.rar",
	".rs": "text/plain; charset=utf-8", ".rtf": "application/rtf", ".sh": "text/plain; charset=utf-8",
	".svg": "image/svg+xml", ".tar": "application/x-tar", ".tgz": "application/gzip", ".tif": "image/tiff",
	".tiff": "image/tiff", ".toml": "application/toml", ".ts": "text/plain; charset=utf-8", ".ttf": "font/ttf",
	".txt": "text/plain; charset=utf-8", ".wasm": "application/wasm", ".wav": "audio/wav", ".weba": "audio/webm",
	".webm": "video/webm", ".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff": "font/woff",
	".woff2": "font/woff2", ".xls": "application/vnd.ms-excel",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".xml":  "application/xml", ".xz": "application/x-xz", ".yaml": "application/yaml", ".yml": "application/yaml",
	".zip": "application/zip", ".zst": "application/zstd",
}
