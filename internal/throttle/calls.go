package throttle

// Call is a call of a client that a Pace counts.
type Call struct {
	Pace   *Pace
	Client string
}

// Calls is one call that several Paces count.
type Calls []Call

// Take has all of them count the call, in their order, or none: what one refuses,
// those before it are given back, and those after it are not asked. Between the two
// others may be refused by one of those before. It returns the refusal.
func (c Calls) Take() error {
	for i, one := range c {
		if err := one.Pace.Take(one.Client); err != nil {
			c[:i].GiveBack()
			return err
		}
	}
	return nil
}

// GiveBack has none of them count a call that Take let pass.
func (c Calls) GiveBack() {
	for _, one := range c {
		one.Pace.GiveBack(one.Client)
	}
}
