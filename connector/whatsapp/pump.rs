//! From the library's events to ours.
