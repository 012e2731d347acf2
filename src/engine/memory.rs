//! In-memory engine for tests.
