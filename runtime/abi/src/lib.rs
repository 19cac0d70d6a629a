//! What machine code and the runtime agree on: tags, layouts, calling convention, unit tables.
