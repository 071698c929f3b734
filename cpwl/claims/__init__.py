"""Claims that a file can prove, as documents: every number exact, nothing to execute (proofs/certificate-format.md)."""
