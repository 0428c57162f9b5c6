package fleet

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc, USER_HZ, which is 100 on every
// architecture that Linux shows them on.
const clockTick = 10 * time.Millisecond

// Usage is what a process has used so far.
type Usage struct {
	CPU time.Duration
	// PeakBytes is the largest resident memory.
	PeakBytes int64
	// RSSBytes is the resident memory now.
	RSSBytes int64
	// Files is the number of open file descriptors.
	Files int
	// Threads is the number of threads.
	Threads int
}

// UsageOf returns what a process has used so far.
func UsageOf(pid int) (Usage, error) {
	var u Usage
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	// The name of the program, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	for _, i := range []int{11, 12} { // utime, stime (proc_pid_stat(5))
		ticks, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(ticks) * clockTick
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		number, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmHWM":
			u.PeakBytes = number << 10
		case "VmRSS":
			u.RSSBytes = number << 10
		case "Threads":
			u.Threads = int(number)
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	u.Files = len(files)
	return u, err
}
