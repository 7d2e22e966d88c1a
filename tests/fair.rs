//! Fairness, measured in turns of the loop: whatever else is always ready, what has become ready
//! waits for few of them.
//!
//! `RINGIO_LONG=1` makes every count ten times as large.

mod support;

mod fair {
    mod beside;
    mod budget;
    mod connections;
    mod crowd;
    mod load;
}
