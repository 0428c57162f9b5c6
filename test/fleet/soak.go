package fleet

import (
	"flag"
	"os"
	"strconv"
)

var soak = flag.Bool("soak", false, "run for long; how long is said by SOAK_ variables")

// Amount returns how much of something a test is to do: few in a normal run,
// and in a soak what the environment variable says, or many.
func Amount(variable string, few, many int) int {
	if !*soak {
		return few
	}
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return many
}
