//! What the parts ask of the machine: CPUs, CPU time, descriptors, ports.

use std::net::SocketAddr;
use std::time::Duration;
use std::{fs, io, thread};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};

use crate::proxy::BACKLOG;

/// This thread, to the calls about affinity.
const THIS_THREAD: Pid = Pid::from_raw(0);

/// The CPUs that this process may use.
pub(crate) fn cpus() -> io::Result<Vec<usize>> {
    let allowed = sched_getaffinity(THIS_THREAD)?;
    Ok((0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu) == Ok(true)).collect())
}

/// Keeps this thread on one CPU.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(cpu)?;
    Ok(sched_setaffinity(THIS_THREAD, &one)?)
}

/// The CPU time that all living threads of a process have had, by the scheduler's own account.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread that has just ended has no account any more.
        let Ok(account) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let on_cpu = account.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        nanos += on_cpu.ok_or_else(|| io::Error::other("schedstat has no number"))?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// As many descriptors as this process may have.
pub(crate) fn raise_descriptor_limit() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// A port that listeners with `SO_REUSEPORT` may share, held for them.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    /// Bound but not listening: it takes no connection from those that are.
    _socket: Socket,
}

/// Finds out early whether `address` can be had, and which port 0 became.
pub(crate) fn reserve(address: SocketAddr) -> io::Result<Port> {
    let name_it = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let socket = shared_socket(address).map_err(name_it)?;
    let address = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(Port { address, _socket: socket })
}

fn shared_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// One pinned thread with a tokio runtime and a listener for each CPU. Says `listening on ADDR`
/// when all listen; `serve` is not expected to end.
pub(crate) fn serve_on_each<F: Future<Output = ()>>(
    listen: SocketAddr,
    cpus: &[usize],
    serve: impl Fn(tokio::net::TcpListener) -> F + Sync,
) -> io::Result<()> {
    let port = reserve(listen)?;
    let mut listeners = Vec::new();
    for _ in cpus {
        let socket = shared_socket(port.address)?;
        socket.listen(BACKLOG as i32)?;
        listeners.push(std::net::TcpListener::from(socket));
    }
    println!("listening on {}", port.address);
    on_each(cpus, listeners, |listener| {
        block_on(async {
            serve(tokio::net::TcpListener::from_std(listener)?).await;
            Ok(())
        })
    })
    .map(drop)
}

/// Runs `work` on one pinned thread for each CPU.
pub(crate) fn on_each<I: Send, T: Send>(
    cpus: &[usize],
    items: Vec<I>,
    work: impl Fn(I) -> io::Result<T> + Sync,
) -> io::Result<Vec<T>> {
    let work = &work;
    thread::scope(|scope| {
        let start = |(&cpu, item)| scope.spawn(move || pin(cpu).and_then(|()| work(item)));
        let threads: Vec<_> = cpus.iter().zip(items).map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect()
    })
}

/// Runs a future on a current-thread tokio runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
