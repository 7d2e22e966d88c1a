//! Waiting for one another without I/O.

pub(crate) mod wait_queue;

#[cfg(test)]
mod tests;
