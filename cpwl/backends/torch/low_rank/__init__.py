"""Fields that a few rows span: where far fewer units bend than there are vertices (proofs/, Lemma 11)."""
