//! Name look-ups, on threads of their own: getaddrinfo(3) blocks.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::util::contain::contain;

/// Most look-ups at a time; others wait in line.
const THREADS: usize = 4;

/// A thread without work ends after this long.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

struct Pool {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { jobs: VecDeque::new(), threads: 0, idle: 0 });
static WORK: Condvar = Condvar::new();

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Answer {
    addresses: Option<io::Result<Vec<SocketAddr>>>,
    waiter: Option<Waker>,
}

/// Resolves a host name. Dropped, the look-up runs on and its answer is dropped.
pub(crate) async fn lookup(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let answer = Arc::new(Mutex::new(Answer::default()));
    let theirs = answer.clone();
    submit(Box::new(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        let mut answer = theirs.lock().unwrap_or_else(PoisonError::into_inner);
        answer.addresses = Some(addresses);
        let waiter = answer.waiter.take();
        drop(answer);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }))?;
    poll_fn(|cx| {
        let waker = cx.waker().clone();
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(addresses) = answer.addresses.take() {
            return Poll::Ready(addresses);
        }
        let before = answer.waiter.replace(waker);
        drop(answer);
        drop(before);
        Poll::Pending
    })
    .await
}

fn submit(job: Job) -> io::Result<()> {
    let mut pool = pool();
    pool.jobs.push_back(job);
    // An idle thread may have been called for an earlier job already.
    if pool.jobs.len() > pool.idle && pool.threads < THREADS {
        pool.threads += 1;
        let thread = std::thread::Builder::new().name("ringio-lookup".into()).spawn(work);
        if let Err(error) = thread {
            pool.threads -= 1;
            if pool.threads == 0 {
                pool.jobs.clear();
                return Err(error);
            }
        }
    }
    drop(pool);
    WORK.notify_one();
    Ok(())
}

fn work() {
    let mut guard = pool();
    loop {
        if let Some(job) = guard.jobs.pop_front() {
            drop(guard);
            contain(job);
            guard = pool();
            continue;
        }
        guard.idle += 1;
        let (again, timed_out) =
            WORK.wait_timeout(guard, IDLE).unwrap_or_else(PoisonError::into_inner);
        guard = again;
        guard.idle -= 1;
        if timed_out.timed_out() && guard.jobs.is_empty() {
            guard.threads -= 1;
            return;
        }
    }
}
