//! The public names with their bounds and lifetimes. It is enough that this compiles.

#![allow(dead_code, reason = "nothing here is run")]

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::marker::PhantomPinned;

use futures_core::Stream;
use ringio::queue::{
    GetError, Items, LifoQueue, PriorityQueue, PutError, Queue, Shutdown, TooManyDone, TryGetError,
    TryPutError,
};

/// What can be neither cloned, nor compared, nor printed, nor moved once it is pinned.
struct Bare<'a>(&'a u8, PhantomPinned);

fn default<T: Default>() {}
fn printed<T: Debug>() {}
fn copied<T: Copy + Eq + Debug>() {}
fn an_error<T: Error + Debug + Display>() {}
fn unpinned<T: Unpin>() {}
fn streamed<'a, T: 'a>(_: impl Stream<Item = T> + 'a) {}
fn awaited<T>(_: impl Future<Output = T>) {}

fn traits<'a>(_: &'a u8) {
    default::<(Queue<Bare<'a>>, LifoQueue<Bare<'a>>, PriorityQueue<&'a u8>)>();
    printed::<(Queue<Bare<'a>>, LifoQueue<Bare<'a>>, PriorityQueue<Bare<'a>>)>();
    printed::<Items<'_, Bare<'a>>>();
    unpinned::<Items<'_, Bare<'a>>>();
    copied::<(Shutdown, GetError, TooManyDone, TryGetError, PutError<u8>, TryPutError<u8>)>();
    an_error::<GetError>();
    an_error::<TooManyDone>();
    an_error::<TryGetError>();
    an_error::<PutError<Bare<'a>>>();
    an_error::<TryPutError<Bare<'a>>>();
}

macro_rules! names {
    ($function:ident, $queue:ident, $item:ty) => {
        async fn $function<'a>(queue: &$queue<$item>, [one, other]: [$item; 2]) {
            let _: [$queue<$item>; 2] = [$queue::bounded(1_usize), $queue::unbounded()];
            let put: Result<(), PutError<$item>> = queue.put(one).await;
            let tried: Result<(), TryPutError<$item>> = queue.try_put(other);
            let _: Option<$item> = put.err().map(PutError::into_inner);
            let _: Option<$item> = tried.err().map(TryPutError::into_inner);
            let _: Result<$item, GetError> = queue.get().await;
            let _: Result<$item, TryGetError> = queue.try_get();
            let _: (usize, bool, bool) = (queue.len(), queue.is_empty(), queue.is_full());
            let _: (Option<usize>, usize, usize) =
                (queue.capacity(), queue.getters(), queue.putters());
            let _: Result<(), TooManyDone> = queue.task_done();
            awaited::<()>(queue.join());
            let items: Items<'_, $item> = queue.stream();
            streamed::<$item>(items);
            queue.shutdown(Shutdown::Drain);
            queue.shutdown(Shutdown::Now);
        }
    };
}

names!(oldest, Queue, Bare<'a>);
names!(newest, LifoQueue, Bare<'a>);
names!(smallest, PriorityQueue, &'a u8);
