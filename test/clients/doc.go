// Package clients has clients that others wrote upload to the service over a
// network that breaks, and a browser open its pages. Its tests need what npm and
// a distribution bring, so they have a tag of their own: `make clients` installs
// the former and runs them.
package clients
