package fleet

import "syscall"

// endWithParent makes a program end when the test does, however that ends.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
