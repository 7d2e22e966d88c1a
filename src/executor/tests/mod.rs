//! What the executor promises.
