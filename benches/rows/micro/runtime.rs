//! What the work needs of a runtime.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::LocalOptions;

use crate::sample::Sample;

use super::channel;
use super::meter::Meter;

/// Room in a channel between two loops.
const BRIDGE: usize = 64;

pub(super) trait Runtime {
    type Error: Debug;
    type Join: Future<Output = Result<(), Self::Error>>;

    /// Runs a future on a loop of this thread.
    fn run<T>(main: impl Future<Output = T>) -> io::Result<T>;

    fn spawn(task: impl Future<Output = ()> + 'static) -> Self::Join;

    /// Asks a task to end.
    fn cancel(task: &Self::Join);

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static;

    type Sender: Send + Clone + 'static;
    type Receiver: Send + 'static;

    /// The runtime's own channel between threads.
    fn bridge() -> (Self::Sender, Self::Receiver);

    async fn send(sender: &Self::Sender, message: u32);

    /// `None` when all senders are gone.
    async fn receive(receiver: &mut Self::Receiver) -> Option<u32>;

    /// There and back through a channel of the runtime's own, where it has one.
    async fn channel(meter: Meter) -> Sample;
}

/// With or without the spin.
pub(super) struct OnRingio<const SPINS: bool>;

impl<const SPINS: bool> Runtime for OnRingio<SPINS> {
    type Error = ringio::JoinError;
    type Join = ringio::JoinHandle<()>;
    type Sender = ringio::queue::Sender<u32>;
    type Receiver = ringio::queue::Receiver<u32>;

    fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
        let builder = ringio::Runner::builder();
        let builder = if SPINS { builder } else { builder.spin(Duration::ZERO) };
        builder.build()?.run(main).map_err(|error| io::Error::other(error.to_string()))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> Self::Join {
        ringio::spawn(task)
    }

    fn cancel(task: &Self::Join) {
        task.cancel();
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        ringio::time::sleep(time)
    }

    fn bridge() -> (Self::Sender, Self::Receiver) {
        ringio::queue::channel(BRIDGE)
    }

    async fn send(sender: &Self::Sender, message: u32) {
        sender.send(message).await.expect("the other side receives");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await
    }

    async fn channel(meter: Meter) -> Sample {
        channel::of_ringio(meter).await
    }
}

pub(super) struct OnTokio;

impl Runtime for OnTokio {
    type Error = tokio::task::JoinError;
    type Join = tokio::task::JoinHandle<()>;
    type Sender = tokio::sync::mpsc::Sender<u32>;
    type Receiver = tokio::sync::mpsc::Receiver<u32>;

    fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build_local(LocalOptions::default())?;
        Ok(runtime.block_on(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> Self::Join {
        tokio::task::spawn_local(task)
    }

    fn cancel(task: &Self::Join) {
        task.abort();
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(time)
    }

    fn bridge() -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::channel(BRIDGE)
    }

    async fn send(sender: &Self::Sender, message: u32) {
        sender.send(message).await.expect("the other side receives");
    }

    async fn receive(receiver: &mut Self::Receiver) -> Option<u32> {
        receiver.recv().await
    }

    async fn channel(meter: Meter) -> Sample {
        channel::of_tokio(meter).await
    }
}

/// Ready at its second poll. The same on both sides, so that the executors are compared and
/// nothing else.
pub(super) fn yield_now() -> Yield {
    Yield { yielded: false }
}

pub(super) struct Yield {
    yielded: bool,
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
