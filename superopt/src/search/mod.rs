//! The searches for code: Markov chain, random keys, enumeration, and what they share.
