//! The three queues by what they have in common.

use std::cmp::Ordering;
use std::fmt::Debug;

use ringio::queue::{
    GetError, LifoQueue, PriorityQueue, PutError, Queue, Shutdown, TooManyDone, TryGetError,
    TryPutError,
};

/// Ordered by its key alone, so that a number tells equal ones apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) key: u32,
    pub(crate) number: u32,
}

/// Of the key 0.
pub(crate) fn item(number: u32) -> Item {
    Item { key: 0, number }
}

impl Ord for Item {
    fn cmp(&self, other: &Item) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What leaves first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Oldest,
    Newest,
    Smallest,
}

impl Order {
    /// The place of the item that leaves, if the first `reserved` ones are for others.
    pub(crate) fn place(self, items: &[Item], reserved: usize) -> Option<usize> {
        match self {
            Order::Oldest => (reserved < items.len()).then_some(reserved),
            Order::Newest => items.len().checked_sub(1),
            Order::Smallest => {
                let key = items.iter().map(|item| item.key).min()?;
                items.iter().position(|item| item.key == key)
            }
        }
    }
}

pub(crate) trait Kind: Debug + Sized + 'static {
    const ORDER: Order;

    fn bounded(capacity: usize) -> Self;
    fn put(&self, item: Item) -> impl Future<Output = Result<(), PutError<Item>>>;
    fn get(&self) -> impl Future<Output = Result<Item, GetError>>;
    fn try_put(&self, item: Item) -> Result<(), TryPutError<Item>>;
    fn try_get(&self) -> Result<Item, TryGetError>;
    fn len(&self) -> usize;
    fn is_full(&self) -> bool;
    fn getters(&self) -> usize;
    fn putters(&self) -> usize;
    fn task_done(&self) -> Result<(), TooManyDone>;
    fn join(&self) -> impl Future<Output = ()>;
    fn shutdown(&self, how: Shutdown);
}

macro_rules! kind {
    ($name:ident, $order:ident) => {
        impl Kind for $name<Item> {
            const ORDER: Order = Order::$order;

            fn bounded(capacity: usize) -> Self {
                $name::bounded(capacity)
            }
            fn put(&self, item: Item) -> impl Future<Output = Result<(), PutError<Item>>> {
                $name::put(self, item)
            }
            fn get(&self) -> impl Future<Output = Result<Item, GetError>> {
                $name::get(self)
            }
            fn try_put(&self, item: Item) -> Result<(), TryPutError<Item>> {
                $name::try_put(self, item)
            }
            fn try_get(&self) -> Result<Item, TryGetError> {
                $name::try_get(self)
            }
            fn len(&self) -> usize {
                $name::len(self)
            }
            fn is_full(&self) -> bool {
                $name::is_full(self)
            }
            fn getters(&self) -> usize {
                $name::getters(self)
            }
            fn putters(&self) -> usize {
                $name::putters(self)
            }
            fn task_done(&self) -> Result<(), TooManyDone> {
                $name::task_done(self)
            }
            fn join(&self) -> impl Future<Output = ()> {
                $name::join(self)
            }
            fn shutdown(&self, how: Shutdown) {
                $name::shutdown(self, how)
            }
        }
    };
}

kind!(Queue, Oldest);
kind!(LifoQueue, Newest);
kind!(PriorityQueue, Smallest);

/// Runs a generic test on each kind.
macro_rules! each_kind {
    ($test:ident) => {
        $test::<ringio::queue::Queue<$crate::kind::Item>>();
        $test::<ringio::queue::LifoQueue<$crate::kind::Item>>();
        $test::<ringio::queue::PriorityQueue<$crate::kind::Item>>();
    };
}

pub(crate) use each_kind;
