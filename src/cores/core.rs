//! One of the loops of [`Cores`](super::Cores), as its own code sees it.

use std::sync::Arc;

use crate::runtime::RemoteHandle;

/// Which of the loops this is, and how to reach the others.
///
/// # Examples
/// ```
/// let answers = ringio::Cores::count(2)
///     .run(|core| async move {
///         assert!(core.index() < core.count());
///         assert!(core.cpu().is_some(), "loops are pinned unless told");
///         let this = core.peers()[core.index()].clone();
///         this.spawn(|| async { 6 * 7 }).await.unwrap()
///     })
///     .unwrap();
/// assert_eq!(answers, [42, 42]);
/// ```
#[derive(Clone, Debug)]
pub struct Core {
    pub(super) index: usize,
    pub(super) cpu: Option<usize>,
    pub(super) peers: Arc<[RemoteHandle]>,
}

impl Core {
    /// This loop's number, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many loops there are.
    pub fn count(&self) -> usize {
        self.peers.len()
    }

    /// The CPU that it is pinned to.
    pub fn cpu(&self) -> Option<usize> {
        self.cpu
    }

    /// The handles of all loops, by number, this one's among them.
    pub fn peers(&self) -> &[RemoteHandle] {
        &self.peers
    }
}
