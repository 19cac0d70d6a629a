//! trinityc: the ahead-of-time compiler.
