//! A queue with a gate, wakers that tell, and wakers that call back.
//!
//! # Safety
//! A waker that calls back keeps to the thread of its test, as does all that these tests touch.
#![allow(unsafe_code, reason = "a waker whose clone and drop are the test's")]

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use crate::sync::wait_queue::{Gate, Wait, WaitQueue};

/// Who was woken, by number.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u32>>>);

impl Log {
    pub(crate) fn waker(&self, number: u32) -> Waker {
        struct Tell(Log, u32);
        impl Wake for Tell {
            fn wake(self: Arc<Self>) {
                self.0.0.lock().unwrap().push(self.1);
            }
        }
        Waker::from(Arc::new(Tell(self.clone(), number)))
    }

    pub(crate) fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A gate that is shut unless told, and remembers who left.
#[derive(Default)]
pub(crate) struct Door {
    pub(crate) queue: WaitQueue<u32>,
    /// What is given to the next who asks.
    pub(crate) open: RefCell<Vec<u32>>,
    pub(crate) gone: RefCell<Vec<(u32, bool)>>,
}

pub(crate) type Waiting<'a> = Pin<Box<Wait<'a, u32, &'a Door>>>;

impl Gate<u32> for Door {
    fn pass(&self, word: u32) -> Result<u32, u32> {
        self.open.borrow_mut().pop().ok_or(word)
    }

    fn left(&self, word: u32, chosen: bool) {
        self.gone.borrow_mut().push((word, chosen));
    }
}

impl Door {
    pub(crate) fn wait(&self, word: u32) -> Waiting<'_> {
        Box::pin(self.queue.wait(self, word))
    }

    /// `n` in line, with the words and the wakers 0 to n - 1.
    pub(crate) fn line(&self, n: u32, log: &Log) -> Vec<Option<Waiting<'_>>> {
        let stand = |number| {
            let mut wait = self.wait(number);
            assert!(poll(&mut wait, &log.waker(number)).is_pending());
            Some(wait)
        };
        (0..n).map(stand).collect()
    }
}

pub(crate) fn poll(wait: &mut Waiting<'_>, waker: &Waker) -> Poll<u32> {
    wait.as_mut().poll(&mut Context::from_waker(waker))
}

/// What the hooks of a foreign waker do.
pub(crate) type Hook = Box<dyn Fn()>;

thread_local! {
    static HOOKS: RefCell<Vec<[Option<std::rc::Rc<Hook>>; 3]>> = const { RefCell::new(Vec::new()) };
}

/// A waker that runs code of its own when it is cloned, woken, dropped. Clones do the same, except that
/// each hook runs once.
pub(crate) fn foreign(on_clone: Hook, on_wake: Hook, on_drop: Hook) -> Waker {
    let hooks = [on_clone, on_wake, on_drop].map(|hook| Some(std::rc::Rc::new(hook)));
    let number = HOOKS.with_borrow_mut(|all| {
        all.push(hooks);
        all.len() - 1
    });
    struct Foreign(usize);
    impl Foreign {
        fn run(&self, which: usize) {
            let hook = HOOKS.with_borrow_mut(|all| all[self.0][which].take());
            hook.inspect(|hook| hook());
        }
    }
    const TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            Foreign(data.addr()).run(0);
            RawWaker::new(data, &TABLE)
        },
        |data| Foreign(data.addr()).run(1),
        |data| Foreign(data.addr()).run(1),
        |data| Foreign(data.addr()).run(2),
    );
    // SAFETY: the data is a number, which the table looks up in a list of the thread; these tests
    // keep to one thread, as does all that they test.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::without_provenance(number), &TABLE)) }
}

/// 0 to n - 1 in an order that looks like none.
pub(crate) fn order(n: usize, seed: u64) -> Vec<usize> {
    let mut state = seed | 1;
    let mut numbers: Vec<usize> = (0..n).collect();
    for at in (1..n).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        numbers.swap(at, (state % (at as u64 + 1)) as usize);
    }
    numbers
}
