package namespace

// PasswordHashes returns how many passwords were hashed.
func (n *Namespace) PasswordHashes() int64 { return n.passwords.hashes.Load() }
