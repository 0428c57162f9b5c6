package rest

import (
	"strings"

	"github.com/holdfast-files/holdfast/internal/caller"
	"github.com/holdfast-files/holdfast/internal/throttle"
)

// visit is what the usher let in, and what has to be given back in the end.
type visit struct {
	usher   *usher
	client  string
	bounded bool // the client is not on this machine
	crowd   bool // counted among those of the client
	inside  bool // counted among all
	body    bool // counted among the bodies of HTTP/2
	bodyOf  bool // counted among those of the client
	text    int64
	textOf  int64
}

// enter lets the request of x in, or returns RATE_LIMITED when its client asks for
// too much, and UNAVAILABLE when all together do. What it notes in the visit is
// given back by leave, also after an error.
func (u *usher) enter(x *exchange, c caller.Caller) error {
	x.visit.usher = u
	if !caller.IsLocal(c.Address) {
		if err := u.bound(x, c); err != nil {
			return err
		}
	}
	if x.visit.inside = u.requests.take(1); !x.visit.inside {
		return noRoom()
	}
	if x.r.ProtoMajor >= 2 && x.body != nil {
		return x.visit.takeBody()
	}
	return nil
}

// takeBody counts the body of a request over HTTP/2.
func (v *visit) takeBody() error {
	if v.bounded {
		if err := v.usher.bodiesOf.Enter(v.client); err != nil {
			return err
		}
		v.bodyOf = true
	}
	if v.body = v.usher.bodies.take(1); !v.body {
		return noRoom()
	}
	return nil
}

// takeText counts n more bytes that a text takes.
func (v *visit) takeText(n int64) error {
	if v.bounded {
		if err := v.usher.textsOf.Take(v.client, int(n)); err != nil {
			return err
		}
		v.textOf += n
	}
	if !v.usher.texts.take(n) {
		return noRoom()
	}
	v.text += n
	return nil
}

// bound counts the request of a client, and tells him how he stands.
func (u *usher) bound(x *exchange, c caller.Caller) error {
	x.visit.client, x.visit.bounded = throttle.Client(c.Address), true
	byAddress, err := u.address.Spend(x.visit.client)
	if err != nil {
		return err
	}
	var byCredential throttle.Standing
	if c.Authorization != "" {
		if byCredential, err = u.credential.Spend(credential(c.Authorization)); err != nil {
			return err
		}
	}
	policy, limit := byCredential.Append(byAddress.Append(nil, nil))
	if len(policy) > 0 {
		h := x.w.Header()
		h["Ratelimit-Policy"], h["Ratelimit"] = []string{string(policy)}, []string{string(limit)}
	}
	if err := u.inFlight.Enter(x.visit.client); err != nil {
		return err
	}
	x.visit.crowd = true
	return nil
}

// credential returns what is secret of an Authorization: the scheme and the spaces
// can be written in many ways, and none of them is another client.
func credential(authorization string) string {
	_, secret, ok := strings.Cut(strings.TrimLeft(authorization, " "), " ")
	if !ok {
		return authorization
	}
	return strings.Trim(secret, " ")
}

// leave gives back what a visit took, and the connection.
func (x *exchange) leave() {
	if x.body != nil {
		x.body.leave()
	}
	x.visit.end()
}

// end gives back what a visit took.
func (v *visit) end() {
	if v.crowd {
		v.usher.inFlight.Leave(v.client)
	}
	if v.inside {
		v.usher.requests.give(1)
	}
	if v.body {
		v.usher.bodies.give(1)
	}
	if v.bodyOf {
		v.usher.bodiesOf.Leave(v.client)
	}
	if v.text > 0 {
		v.usher.texts.give(v.text)
	}
	if v.textOf > 0 {
		v.usher.textsOf.Give(v.client, int(v.textOf))
	}
	*v = visit{}
}
