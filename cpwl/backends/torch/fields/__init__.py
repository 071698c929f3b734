"""Float64 fields with running error bounds, and the operators on them (proofs/, Lemma 5)."""
