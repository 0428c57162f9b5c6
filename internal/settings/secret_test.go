package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-files/holdfast/internal/settings"
)

func TestSecrets(t *testing.T) {
	long, short := strings.Repeat("s", 32), strings.Repeat("s", 31)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(long+"\n"+long+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, value, file string
		one, several      bool
	}{
		{"none", "", "", true, true},
		{"one", long, "", true, true},
		{"a short one", short, "", false, false},
		{"two", long + " " + long, "", true, true}, // or one with a space in it
		{"two of which one is short", long + " " + short, "", true, false},
		{"white space", " \n ", "", false, false},
		{"a file", "", file, true, true},
		{"both", long, file, false, false},
		{"no file", "", file + ".no", false, false},
	} {
		var one, several settings.Check
		one.Secret("key", tc.value, tc.file)
		several.Secrets("key", tc.value, tc.file)
		if err := one.Err(); (err == nil) != tc.one {
			t.Errorf("%s, where one is to be: %v", tc.name, err)
		}
		if err := several.Err(); (err == nil) != tc.several {
			t.Errorf("%s, where several may be: %v", tc.name, err)
		}
	}
}
