package throttle

// Remembered returns how many clients a Pace remembers.
func (p *Pace) Remembered() int {
	n := 0
	for i := range p.parts {
		n += len(p.parts[i].now) + len(p.parts[i].old)
	}
	return n
}
