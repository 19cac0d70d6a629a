//! Timing of short code: latency and throughput, interleaved, with confidence intervals.
