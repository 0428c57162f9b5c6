package settings

import "runtime/debug"

// version is set by the linker where there is no repository, as in an image:
// -X github.com/holdfast-files/holdfast/internal/settings.version=…
var version string

// BuildVersion returns the version of the program: what the linker was told,
// else the tag that the module was built at, else the commit, else "devel".
func BuildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "devel"
}
