package edge

import (
	"slices"
	"testing"
)

// TestCheckersIn: the canary is asked from where CloudFront lets it, or not at
// all, since Route 53 wants three regions.
func TestCheckersIn(t *testing.T) {
	america := []string{"us-east-1", "us-west-1", "us-west-2"}
	tests := []struct{ countries, want []string }{
		{[]string{"US"}, america},
		{[]string{"DE", "US", "CA"}, america},
		{[]string{"IE", "SG", "JP"}, []string{"eu-west-1", "ap-southeast-1", "ap-northeast-1"}},
		{[]string{"IE", "SG"}, nil},
		{[]string{"DE", "AT", "CH"}, nil},
	}
	for _, test := range tests {
		if got := checkersIn(test.countries); !slices.Equal(got, test.want) {
			t.Errorf("from %v it is asked in %v, want %v", test.countries, got, test.want)
		}
	}
}
