//! The runtime on a simulated kernel that takes every liberty: each scenario runs for thousands of
//! seeds.
//!
//! ```text
//! cargo test --features sim --test sim                        # at least 20,000 seeds
//! RINGIO_LONG=1 cargo test --features sim --test sim          # twenty times as many
//! RINGIO_SIM_SEED=7 cargo test --features sim --test sim NAME # one seed of one scenario
//! ```

#![allow(clippy::duplicate_mod, reason = "the examples share a file, and so does the support")]

#[path = "sim/accepting.rs"]
mod accepting;
#[path = "sim/allocator.rs"]
mod allocator;
#[path = "sim/breaking.rs"]
mod breaking;
#[path = "sim/busy.rs"]
mod busy;
#[expect(dead_code, reason = "each test program uses a part of it")]
#[path = "support/child.rs"]
mod child;
#[path = "sim/ending.rs"]
mod ending;
#[path = "sim/examples.rs"]
mod examples;
#[path = "sim/forwarding.rs"]
mod forwarding;
#[path = "sim/grouping.rs"]
mod grouping;
#[path = "sim/hoarding.rs"]
mod hoarding;
#[expect(dead_code, reason = "the proxy reserves its port with it, which is not run")]
#[path = "../examples/proxy/machine.rs"]
mod machine;
#[path = "sim/message.rs"]
mod message;
#[path = "../examples/proxy/open.rs"]
mod open;
#[path = "sim/outside.rs"]
mod outside;
#[expect(dead_code, reason = "its accepting is run, its command line is not")]
#[path = "../examples/proxy/proxy.rs"]
mod proxy;
#[path = "sim/seeds.rs"]
mod seeds;
#[path = "sim/silent.rs"]
mod silent;
#[path = "sim/streaming.rs"]
mod streaming;
#[path = "sim/stuck.rs"]
mod stuck;
mod support;
#[path = "support/watchdog.rs"]
mod watchdog;
