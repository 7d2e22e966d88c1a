//! How a waiter was notified.

/// By whom a waiter was chosen, and what it leaves to the others if it is dropped before it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum By {
    /// Everybody was: nobody misses anything.
    #[default]
    All,
    /// It was meant for one; somebody else must have it then.
    One,
}
