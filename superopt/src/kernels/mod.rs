//! Kernels with their specifications: Hacker's Delight, Montgomery, SAXPY, sorting.
