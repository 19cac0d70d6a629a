//! Code run on the processor in a forked child, with guard pages, an alarm and seccomp.
