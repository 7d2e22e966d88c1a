//! The public names with their bounds. It is enough that this compiles: a change that would break
//! users breaks it.

#![allow(dead_code, reason = "nothing here is run")]

use std::any::Any;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::hash::Hash;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::ops::{Add, Deref, Sub};
use std::os::fd::AsFd;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use futures_core::Stream;
use ringio::buf::{IoBuf, IoBufMut};
use ringio::net::{
    Incoming, ListenerBuilder, OwnedReadHalf, OwnedWriteHalf, ReadHalf, TcpListener, TcpStream,
    ToAddrs, WriteHalf,
};
use ringio::queue::{PutError, Receiver, Sender, TryGetError, TryPutError};
use ringio::testing::ManualClock;
use ringio::time::{Instant, Interval, Sleep};
use ringio::{
    BufResult, Builder, Chunk, Core, Cores, CoresError, EventLoop, ExceptionContext, JoinError,
    JoinHandle, LocalKey, LoopClosed, RemoteError, RemoteHandle, RemoteJoin, RunError, Runner,
    ThreadJob, ThreadPool, TimeoutError, task,
};

fn shared_by_threads<T: Send + Sync + 'static>() {}
fn copied<T: Copy + Eq + Debug>() {}
fn an_error<T: Error + Debug + Display>() {}
fn unpinned<T: Unpin>() {}
fn awaited<T>(_: impl Future<Output = T>) {}

fn run_borrows<'a, F: Future<Output = &'a str>>(future: F) -> &'a str {
    ringio::run(future)
}

fn builder(builder: Builder, clock: ManualClock) -> io::Result<Runner> {
    shared_by_threads::<Builder>();
    let _: &dyn Debug = &builder.clone();
    ringio::set_default_builder(builder.clone());
    let builder: Builder = builder.entries(256_u32).cpu(0_usize).name("n").name(String::new());
    let builder: Builder = builder.buffers(16_u16, 4096_u32).spin(Duration::ZERO).ctrl_c(true);
    let builder: Builder = builder.grace(Duration::ZERO).clock(clock).debug(true);
    let builder: Builder = builder.slow_callback_duration(Duration::ZERO);
    builder.exception_handler(|context: &ExceptionContext| eprintln!("{context}")).build()
}

fn runner<F: Future<Output = u8>>(mut runner: Runner, future: F) -> Result<u8, RunError> {
    let _: Builder = Runner::builder();
    let _: RemoteHandle = runner.handle();
    let output = runner.run(future);
    runner.close();
    match output {
        Err(RunError::Nested | RunError::Interrupted | RunError::Closed) => Ok(0),
        other => other,
    }
}

fn told(context: &ExceptionContext) -> (&String, &Option<String>) {
    let _: Option<&'static Location<'static>> = context.spawned_at;
    (&context.message, &context.task)
}

fn platform() -> (&'static ringio::Support, String) {
    let support: &dyn Display = ringio::support();
    let _ = support;
    (ringio::support(), ringio::doctor())
}

fn cores<F, Fut, T>(cores: Cores, builder: Builder, f: F) -> Result<Vec<T>, CoresError>
where
    F: Fn(Core) -> Fut + Send + Sync,
    Fut: Future<Output = T>,
    T: Send,
{
    let _: [Cores; 3] = [Cores::all(), Cores::count(2), Cores::list([0, 1])];
    cores.pin(false).builder(builder).run(f)
}

fn core(core: &Core) -> (usize, usize, Option<usize>, &[RemoteHandle]) {
    let _: Core = core.clone();
    (core.index(), core.count(), core.cpu(), core.peers())
}

fn cores_error(error: CoresError) -> Option<Box<dyn Any + Send>> {
    match error {
        CoresError::Start(error) => drop::<io::Error>(error),
        CoresError::Panicked { core, payload } => {
            let _: usize = core;
            return Some(payload);
        }
        _ => {}
    }
    None
}

fn tasks<F: Future<Output = Rc<u8>> + 'static>(first: F, second: F) -> JoinHandle<Rc<u8>> {
    drop(ringio::spawn(first));
    let handle = task::Builder::new().name("worker").eager().spawn(second);
    unpinned::<JoinHandle<std::marker::PhantomPinned>>();
    let _: (bool, bool, task::Id) = (handle.cancel(), handle.is_finished(), handle.id());
    let _: Option<Rc<str>> = handle.name();
    handle
}

async fn joined(handle: JoinHandle<u8>) -> Result<u8, Box<dyn Any + Send + 'static>> {
    an_error::<JoinError>();
    match handle.await {
        Ok(output) => Ok(output),
        Err(JoinError::Panicked(payload)) => Err(payload),
        Err(error) if error.is_cancelled() || !error.is_panic() => Ok(0),
        Err(error) => Err(error.into_panic()),
    }
}

fn infos(info: task::Info) -> (task::Id, Option<task::Id>) {
    fn key<T: Copy + Eq + Hash + Debug>(_: T) {}
    key(info.id());
    let _: (Option<&str>, &'static Location<'static>) = (info.name(), info.spawned_at());
    let _: (Option<task::Info>, Vec<task::Info>) = (task::current(), task::all());
    (info.clone().id(), info.parent())
}

fn instants<T>(_: T)
where
    T: Copy + Ord + Hash + Debug,
    T: Add<Duration, Output = T> + Sub<Duration, Output = T> + Sub<T, Output = Duration>,
{
}

async fn time(mut interval: Interval) {
    let now = Instant::now();
    instants(now);
    let _: (Duration, Duration) = (now.elapsed(), now.duration_since(now));
    let _: (Sleep, Sleep) = (ringio::time::sleep(Duration::ZERO), ringio::time::sleep_until(now));
    let _: Interval = ringio::time::interval(Duration::from_secs(1));
    let _: Instant = interval.tick().await;
    awaited::<()>(ringio::yield_now());
    let _: Result<u8, TimeoutError> = ringio::timeout(Duration::ZERO, async { 1 }).await;
    let _: Result<u8, TimeoutError> = ringio::timeout_at(now, async { 1 }).await;
    copied::<TimeoutError>();
    an_error::<TimeoutError>();
}

fn manual_clock(clock: ManualClock) -> Instant {
    shared_by_threads::<ManualClock>();
    let default = ManualClock::default();
    let _: (ManualClock, ManualClock) = (default.clone(), default);
    clock.advance(Duration::ZERO);
    clock.auto_jump(true);
    clock.now()
}

fn remote<F, Fut, T>(handle: &RemoteHandle, f: F) -> RemoteJoin<T>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = T> + 'static,
    T: Send + 'static,
{
    shared_by_threads::<RemoteHandle>();
    shared_by_threads::<RemoteJoin<u8>>();
    copied::<LoopClosed>();
    an_error::<LoopClosed>();
    let _: (RemoteHandle, bool) = (RemoteHandle::current(), handle.is_closed());
    let _: Result<(), LoopClosed> = handle.call(|| {});
    handle.spawn(f)
}

async fn remote_join(mut join: RemoteJoin<u8>) -> Result<u8, RemoteError> {
    unpinned::<RemoteJoin<std::marker::PhantomPinned>>();
    let _: (Result<u8, RemoteError>, Result<u8, RemoteError>) =
        (join.wait(None), join.wait(Duration::ZERO));
    join.cancel();
    let _: bool = join.is_finished();
    match join.await {
        Err(RemoteError::Cancelled | RemoteError::LoopClosed | RemoteError::Timeout) => Ok(0),
        Err(RemoteError::Panicked(payload)) => {
            drop::<Box<dyn Any + Send>>(payload);
            Ok(0)
        }
        other => other,
    }
}

async fn threads(pool: &ThreadPool) -> Result<u8, JoinError> {
    unpinned::<ThreadJob<std::marker::PhantomPinned>>();
    shared_by_threads::<ThreadPool>();
    shared_by_threads::<ThreadJob<u8>>();
    let _: ThreadPool = ThreadPool::new(1_usize);
    let job: ThreadJob<u8> = ringio::to_thread(|| 1);
    let _: (bool, bool) = (job.cancel(), job.is_finished());
    pool.run(|| 1).await
}

async fn channel(sender: Sender<String>, mut receiver: Receiver<String>) -> Option<String> {
    fn streamed<T: Stream<Item = String>>(_: &T) {}
    shared_by_threads::<Sender<u8>>();
    an_error::<PutError<Rc<u8>>>();
    an_error::<TryPutError<Rc<u8>>>();
    copied::<TryGetError>();
    let _: (Sender<u8>, Receiver<u8>) = ringio::queue::channel(1_usize);
    let _: Result<(), PutError<String>> = sender.clone().send(String::new()).await;
    let _: Result<(), TryPutError<String>> = sender.try_send(String::new());
    let _: (usize, usize, usize) = (sender.len(), sender.capacity(), receiver.len());
    let _: Result<String, TryGetError> = receiver.try_recv();
    streamed(&receiver);
    receiver.recv().await
}

ringio::task_local! {
    /// A name.
    pub static NAME: Rc<str> = "nobody".into();
    static NUMBER: u8 = 1;
}

async fn locals() -> usize {
    let _: (&'static LocalKey<Rc<str>>, Rc<str>, u8) = (&NAME, NAME.get(), NUMBER.get());
    NAME.set("somebody".into());
    let _: u8 = NUMBER.scope(2, async { NUMBER.get() }).await;
    NAME.with(|name| name.len())
}

fn event_loop(seen: Rc<u8>) -> RemoteHandle {
    let this: EventLoop = ringio::event_loop();
    this.set_exception_handler(move |_: &ExceptionContext| drop(seen.clone()));
    let _: Option<task::State> = task::current().map(|info| info.state());
    let other: EventLoop = this.clone();
    drop(this);
    other.handle()
}

fn buffers() {
    fn sent<T: IoBuf>() {}
    fn filled<T: IoBufMut>() {}
    sent::<Vec<u8>>();
    sent::<Box<[u8]>>();
    sent::<String>();
    sent::<&'static [u8]>();
    sent::<&'static str>();
    sent::<&'static [u8; 3]>();
    sent::<Chunk>();
    filled::<Vec<u8>>();
}

fn chunk(mut chunk: Chunk) -> (Chunk, ringio::buf::Chunk) {
    let _: &[u8] = chunk.deref();
    let _: &dyn Debug = &chunk;
    (chunk.split_to(1), chunk)
}

fn addresses() {
    fn address<T: ToAddrs>() {}
    address::<SocketAddr>();
    address::<&str>();
    address::<String>();
    address::<(&str, u16)>();
    address::<(IpAddr, u16)>();
    address::<(Ipv4Addr, u16)>();
}

async fn listener(std: std::net::TcpListener) -> io::Result<()> {
    let builder: ListenerBuilder = TcpListener::builder().reuse_port(true).backlog(1_u32);
    let builder = builder.nodelay(true).recv_buffer(1_usize).send_buffer(1_usize);
    let listener: TcpListener = builder.bind("127.0.0.1:0").await?;
    let _: (TcpStream, SocketAddr) = listener.accept().await?;
    fn streams<S: Stream<Item = io::Result<TcpStream>>>(_: S) {}
    let incoming: Incoming<'_> = listener.incoming();
    streams(incoming);
    let _: SocketAddr = listener.local_addr()?;
    TcpListener::from_std(std)?.close().await?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.close().await
}

async fn reads<B: IoBufMut>(stream: &mut TcpStream, first: B, second: B) {
    let _: io::Result<Chunk> = stream.recv().await;
    let _: BufResult<usize, B> = stream.read(first).await;
    let _: BufResult<(), B> = stream.read_exact(second).await;
}

async fn writes<B: IoBuf>(stream: &mut TcpStream, first: B, second: B, third: Vec<B>) {
    let _: BufResult<usize, B> = stream.write(first).await;
    let _: BufResult<(), B> = stream.write_all(second).await;
    let _: BufResult<usize, Vec<B>> = stream.writev(third).await;
    let _: io::Result<()> = stream.shutdown(Shutdown::Write).await;
    stream.abort();
}

async fn halves(mut stream: TcpStream, buffer: Vec<u8>) -> io::Result<TcpStream> {
    let (mut read, mut write): (ReadHalf<'_>, WriteHalf<'_>) = stream.split();
    let (chunk, _): (io::Result<Chunk>, _) =
        futures_util::future::join(read.recv(), write.write_all(buffer)).await;
    drop(chunk);
    let (mut read, mut write): (OwnedReadHalf, OwnedWriteHalf) = stream.into_split();
    let _: BufResult<(), Vec<u8>> = read.read_exact(Vec::new()).await;
    let _: BufResult<usize, &'static str> = write.write("x").await;
    write.shutdown(Shutdown::Both).await?;
    let reunited: Result<TcpStream, (OwnedReadHalf, OwnedWriteHalf)> = read.reunite(write);
    reunited.map_err(|_| io::ErrorKind::Other.into())
}

async fn options(stream: TcpStream) -> io::Result<(std::net::TcpStream, Vec<u8>)> {
    fn borrows(_: &impl AsFd) {}
    borrows(&stream);
    let _: (SocketAddr, SocketAddr) = (stream.peer_addr()?, stream.local_addr()?);
    stream.set_nodelay(stream.nodelay()?)?;
    stream.set_linger(Some(Duration::ZERO))?;
    stream.set_ttl(stream.ttl()?)?;
    stream.set_keepalive(None)?;
    TcpStream::connect(String::new()).await?.close().await?;
    let (std, ahead) = stream.into_std().await?;
    TcpStream::from_std(std)?.close().await?;
    let std = std::net::TcpStream::connect("127.0.0.1:0")?;
    Ok((std, ahead))
}
