//! Equivalence and refinement of two pieces of code: the proof ladder, verdicts, counterexamples.
