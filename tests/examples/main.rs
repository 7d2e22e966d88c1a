//! The examples keep what they promise: each ends well by itself, and the proxy is a proxy.
//!
//! The programs are those that `cargo test` has just built.

mod comparison;
mod echo;
mod proxy;
mod running;
