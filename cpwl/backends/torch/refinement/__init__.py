"""One refinement: signs, crossings, chords and their orders, the new complex; exact decisions where float64 doubts."""
