//! Reports: JSON, one HTML page, terminal text.
