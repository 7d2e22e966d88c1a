//! What keeps a loop busy, and what measures how long others wait beside it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ringio::{JoinHandle, spawn, stats, yield_now};

use crate::support::pair;

/// Ten times as much in the long mode.
pub(crate) fn rounds(short: u64) -> u64 {
    if std::env::var_os("RINGIO_LONG").is_some() { 10 * short } else { short }
}

/// The number of the turn that runs.
pub(crate) fn now() -> u64 {
    stats().turns
}

/// The longest of many waits, in turns, and how many there were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    pub(crate) longest: u64,
    pub(crate) count: u64,
}

impl Waits {
    /// A wait that began in turn `since` is over.
    #[track_caller]
    pub(crate) fn over(&mut self, since: u64, limit: u64, what: &str) {
        let waited = now() - since;
        assert!(waited <= limit, "{what} waited {waited} turns");
        self.longest = self.longest.max(waited);
        self.count += 1;
    }
}

/// Tasks that never rest. They end when this is dropped.
#[derive(Default)]
pub(crate) struct Load {
    tasks: Vec<JoinHandle<()>>,
    /// Bytes of the flood.
    pub(crate) flooded: Rc<Cell<u64>>,
}

impl Load {
    /// A task that is always ready, one that wakes itself, and a flooding connection whose receiver
    /// always reads.
    pub(crate) fn all() -> Load {
        Load::default().always_ready().self_waking().flood()
    }

    pub(crate) fn add(mut self, body: impl Future<Output = ()> + 'static) -> Load {
        self.tasks.push(spawn(body));
        self
    }

    pub(crate) fn always_ready(self) -> Load {
        self.add(async {
            loop {
                yield_now().await;
            }
        })
    }

    /// Through a clone of its waker, and twice.
    pub(crate) fn self_waking(self) -> Load {
        let kept = RefCell::new(None::<Waker>);
        self.add(poll_fn(move |cx| {
            let waker = kept.borrow_mut().get_or_insert_with(|| cx.waker().clone()).clone();
            waker.wake_by_ref();
            waker.wake();
            Poll::Pending
        }))
    }

    /// A peer that sends as fast as it can, 4 GiB at most (40 in the long mode), and a receiver that always reads.
    pub(crate) fn flood(self) -> Load {
        let (mut ours, mut peer) = pair();
        let flooded = self.flooded.clone();
        thread::spawn(move || {
            let block = [7; 64 * 1024];
            // It ends with an error once the receiver has gone.
            for _ in 0..rounds(65_536) {
                if peer.write_all(&block).is_err() {
                    break;
                }
            }
        });
        self.add(async move {
            loop {
                let chunk = ours.recv().await.unwrap();
                assert!(!chunk.is_empty(), "the flood has run dry");
                flooded.set(flooded.get() + chunk.len() as u64);
            }
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for task in &self.tasks {
            assert!(!task.is_finished(), "the load has ended early");
            task.cancel();
        }
    }
}

/// A second look at a socket, which may be borrowed or in another task.
pub(crate) struct Probe(OwnedFd);

impl Probe {
    pub(crate) fn new(socket: &impl AsFd) -> Probe {
        Probe(socket.as_fd().try_clone_to_owned().unwrap())
    }

    /// Spins until the kernel has bytes or a connection for the reader, and gives the turn. Under a
    /// flood the kernel may drop a packet, and sends it again 200 ms later: that is no wait of the
    /// loop's.
    pub(crate) fn ready(&self) -> u64 {
        let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        while poll(&mut polled, PollTimeout::ZERO).unwrap() == 0 {
            std::hint::spin_loop();
        }
        now()
    }
}

/// Notes the turn in which a task is woken.
struct Noted {
    turn: AtomicU64,
    task: Waker,
}

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        self.turn.store(now(), Ordering::Relaxed);
        self.task.wake_by_ref();
    }
}

/// Awaits what is not ready yet; gives the turn in which it woke the task, too.
pub(crate) async fn noting<F: Future>(future: F) -> (F::Output, u64) {
    let mut future = pin!(future);
    let mut noted = None;
    poll_fn(|cx| {
        let noted: &mut Arc<Noted> = noted.get_or_insert_with(|| {
            Arc::new(Noted { turn: AtomicU64::new(0), task: cx.waker().clone() })
        });
        let waker = Waker::from(noted.clone());
        let output = future.as_mut().poll(&mut Context::from_waker(&waker));
        output.map(|output| (output, noted.turn.load(Ordering::Relaxed)))
    })
    .await
}
