//! The examples of the chapters in `docs/`, run as tests.

#[doc = include_str!("../docs/cancellation.md")]
mod cancellation {}

#[doc = include_str!("../docs/sync.md")]
mod sync {}
