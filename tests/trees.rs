//! Random trees of groups, timeouts, scopes, shields, clean-ups and tasks, with requests and drops
//! at random turns: whatever happens, each ends once, and as it must.
//!
//! ```text
//! cargo test --features sim --test trees                  # 12,000 seeds, a third simulated
//! RINGIO_LONG=1 cargo test --features sim --test trees    # more than ten times as many
//! RINGIO_SIM_SEED=7 cargo test --features sim --test trees manual   # one seed again
//! RINGIO_SIM_TRACE=1 RINGIO_SIM_SEED=7 …                  # and all that lived in it
//! ```

#[path = "sim/allocator.rs"]
mod allocator;
#[cfg(feature = "sim")]
#[path = "sim/seeds.rs"]
mod seeds;
mod support;

mod trees {
    mod clean_up;
    mod forest;
    mod group;
    mod grow;
    mod manual;
    mod seen;
    #[cfg(feature = "sim")]
    mod simulated;
    mod world;
}
