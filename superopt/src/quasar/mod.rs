//! QUASAR, the quasi-adaptive search of arXiv 2511.13843, and what it is compared with.
