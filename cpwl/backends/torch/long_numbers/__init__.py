"""Numbers of more than 53 bits as digits, and networks evaluated in them (proofs/, Lemma 10)."""
