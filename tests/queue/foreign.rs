//! Items and wakers that use the queue, or panic.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use ringio::queue::{
    GetError, LifoQueue, PriorityQueue, Queue, Shutdown, TryGetError, TryPutError,
};

use super::hand::Hand;

type Hook = Box<dyn Fn()>;
type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

thread_local! {
    static HOOKS: RefCell<Vec<Hook>> = const { RefCell::new(Vec::new()) };
}

/// A waker that runs code of its own, in the thread of its test.
fn waker(hook: impl Fn() + 'static) -> Waker {
    struct Run(usize);
    impl Wake for Run {
        fn wake(self: Arc<Self>) {
            let hook = HOOKS
                .with_borrow_mut(|hooks| std::mem::replace(&mut hooks[self.0], Box::new(|| ())));
            hook();
        }
    }
    let number = HOOKS.with_borrow_mut(|hooks| {
        hooks.push(Box::new(hook));
        hooks.len() - 1
    });
    Waker::from(Arc::new(Run(number)))
}

/// Lives as long as the process: hooks own what they use.
fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn poll<T>(future: &mut Boxed<T>, waker: &Waker) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

#[test]
fn the_waker_of_a_getter_may_use_the_queue() {
    let queue = leak(Queue::bounded(1));
    let seen = leak(Cell::new(0));
    let mut getter: Boxed<_> = Box::pin(queue.get());
    let hook = move || {
        // The item is the getter's, and there is room again.
        assert_eq!(queue.try_get(), Err(TryGetError::Empty));
        assert_eq!(queue.try_put(2), Ok(()));
        assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
        queue.shutdown(Shutdown::Drain);
        seen.set(seen.get() + 1);
    };
    assert!(poll(&mut getter, &waker(hook)).is_pending());
    assert_eq!(queue.try_put(1), Ok(()));
    assert_eq!(seen.get(), 1);
    assert_eq!(poll(&mut getter, Waker::noop()), Poll::Ready(Ok(1)));
    assert_eq!((queue.try_get(), queue.try_get()), (Ok(2), Err(TryGetError::ShutDown)));
}

#[test]
fn the_waker_of_a_putter_may_use_the_queue() {
    let queue = leak(LifoQueue::bounded(1));
    queue.try_put(1).unwrap();
    let mut putter: Boxed<_> = Box::pin(queue.put(2));
    let hook = move || {
        assert_eq!(queue.try_put(3), Err(TryPutError::Full(3)));
        assert_eq!(queue.try_get(), Ok(2));
        assert_eq!(queue.try_put(4), Ok(()));
    };
    assert!(poll(&mut putter, &waker(hook)).is_pending());
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(poll(&mut putter, Waker::noop()), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Ok(4));
}

/// The woken getter's waker drops the getter itself: the next one has the item.
#[test]
fn a_waker_may_drop_whom_it_wakes() {
    let queue = leak(Queue::bounded(0));
    let getter: &'static Cell<Option<Boxed<_>>> = leak(Cell::new(Some(Box::pin(queue.get()))));
    let mut first = getter.take().unwrap();
    let mut second: Boxed<_> = Box::pin(queue.get());
    assert!(poll(&mut first, &waker(move || drop(getter.take()))).is_pending());
    getter.set(Some(first));
    assert!(poll(&mut second, Waker::noop()).is_pending());
    assert_eq!(queue.try_put(1), Ok(()));
    assert_eq!(poll(&mut second, Waker::noop()), Poll::Ready(Ok(1)));
}

#[test]
fn the_waker_of_a_joiner_may_use_the_queue() {
    let queue = leak(Queue::unbounded());
    queue.try_put(1).unwrap();
    let mut joiner: Boxed<_> = Box::pin(queue.join());
    assert!(poll(&mut joiner, &waker(|| queue.try_put(2).unwrap())).is_pending());
    assert_eq!(queue.task_done(), Ok(()));
    assert_eq!(queue.len(), 2);
    assert!(poll(&mut joiner, Waker::noop()).is_ready());
}

/// An item whose destructor does something.
struct Bomb(Option<Box<dyn FnOnce()>>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|code| code());
    }
}

#[test]
fn destructors_of_items_may_use_the_queue() {
    let queue = leak(Queue::bounded(2));
    let count = leak(Cell::new(0));
    let bomb = || {
        Bomb(Some(Box::new(|| {
            assert!(matches!(queue.try_put(Bomb(None)), Err(TryPutError::ShutDown(_))));
            assert!(matches!(queue.try_get(), Err(TryGetError::ShutDown)));
            assert_eq!((queue.len(), queue.putters()), (0, 0));
            queue.shutdown(Shutdown::Now);
            count.set(count.get() + 1);
        })))
    };
    let mut putters = Hand::new();
    for _ in 0..4 {
        putters.start(queue.put(bomb()));
    }
    queue.shutdown(Shutdown::Now);
    assert_eq!(count.get(), 2);
    // A putter that has not run since still has its own.
    putters.drop(2);
    assert_eq!(count.get(), 3);
    putters.run();
    assert!(putters.output(3).unwrap().is_err());
    assert_eq!(count.get(), 4);
}

#[test]
fn the_item_of_a_putter_that_leaves_is_dropped_when_it_has_left() {
    let queue = leak(Queue::bounded(0));
    let seen = leak(Cell::new(false));
    let mut putters = Hand::new();
    let bomb = Bomb(Some(Box::new(|| {
        assert_eq!(queue.putters(), 1);
        assert!(queue.try_get().is_ok());
        seen.set(true);
    })));
    putters.start(queue.put(bomb));
    putters.start(queue.put(Bomb(None)));
    putters.drop(0);
    assert!(seen.get());
    putters.run();
    assert!(putters.output(1).unwrap().is_ok());
}

#[test]
fn a_destructor_that_panics_leaves_everybody_told() {
    let queue = leak(Queue::unbounded());
    assert!(queue.try_put(Bomb(Some(Box::new(|| panic!("on purpose"))))).is_ok());
    let counted = leak(Cell::new(false));
    assert!(queue.try_put(Bomb(Some(Box::new(|| counted.set(true))))).is_ok());
    let mut joiners = Hand::new();
    joiners.start(queue.join());
    let shut = catch_unwind(AssertUnwindSafe(|| queue.shutdown(Shutdown::Now)));
    assert!(shut.is_err() && counted.get());
    joiners.run();
    assert_eq!(joiners.output(0), Some(()));
    assert!(matches!(queue.try_get(), Err(TryGetError::ShutDown)));
}

/// What comparing does, beside comparing.
type Compare = Rc<dyn Fn()>;

struct Keyed {
    key: u32,
    compare: Compare,
}

impl Ord for Keyed {
    fn cmp(&self, other: &Keyed) -> Ordering {
        (self.compare)();
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Keyed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Keyed) -> bool {
        self.key == other.key
    }
}

impl Eq for Keyed {}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.key.fmt(f)
    }
}

fn plain(key: u32) -> Keyed {
    Keyed { key, compare: Rc::new(|| ()) }
}

fn keys(queue: &PriorityQueue<Keyed>) -> Vec<u32> {
    std::iter::from_fn(|| queue.try_get().ok()).map(|item| item.key).collect()
}

#[test]
fn comparing_may_use_the_queue() {
    let queue = leak(PriorityQueue::bounded(8));
    let count = leak(Cell::new(0));
    let compare: Compare = Rc::new(move || {
        count.set(count.get() + 1);
        assert!(matches!(queue.try_put(plain(9)), Err(TryPutError::Full(_))));
        assert!(matches!(queue.try_get(), Err(TryGetError::Empty)));
        let _ = (queue.len(), queue.is_full(), queue.getters(), format!("{queue:?}"));
        let mut getter: Boxed<_> = Box::pin(queue.get());
        assert!(poll(&mut getter, Waker::noop()).is_pending());
        let mut putter: Boxed<_> = Box::pin(queue.put(plain(9)));
        assert!(poll(&mut putter, Waker::noop()).is_pending());
    });
    for key in [5, 1, 4, 2, 3] {
        queue.try_put(Keyed { key, compare: compare.clone() }).unwrap();
    }
    assert_eq!(keys(queue), [1, 2, 3, 4, 5]);
    assert!(count.get() > 5 && queue.is_empty());
}

/// One comparison starts futures that stay; when it is over they have what they can have.
#[test]
fn who_comes_while_items_are_compared_is_served_behind_it() {
    let queue = leak(PriorityQueue::bounded(2));
    let started = leak(RefCell::new((Hand::new(), Hand::new())));
    let once = leak(Cell::new(true));
    queue.try_put(plain(2)).unwrap();
    let compare: Compare = Rc::new(|| {
        if once.replace(false) {
            let (getters, putters) = &mut *started.borrow_mut();
            putters.start(queue.put(plain(3)));
            getters.start(queue.get());
            getters.start(queue.get());
        }
    });
    queue.try_put(Keyed { key: 1, compare }).unwrap();
    let (getters, putters) = &mut *started.borrow_mut();
    getters.run();
    putters.run();
    let got: Vec<u32> = (0..2).map(|at| getters.output(at).unwrap().unwrap().key).collect();
    assert_eq!(got, [1, 2]);
    assert!(putters.output(0).unwrap().is_ok());
    assert_eq!(keys(queue), [3]);
}

/// A getter that has its turn is polled, and another one dropped, while items are compared.
#[test]
fn chosen_getters_may_be_polled_and_dropped_while_items_are_compared() {
    let queue = leak(PriorityQueue::unbounded());
    let getters = leak(RefCell::new(Hand::new()));
    for _ in 0..3 {
        getters.borrow_mut().start(queue.get());
    }
    queue.try_put(plain(5)).unwrap();
    let once = leak(Cell::new(true));
    let compare: Compare = Rc::new(|| {
        if once.replace(false) {
            let mut getters = getters.borrow_mut();
            getters.poll(0);
            assert!(getters.is_pending(0));
            getters.drop(1);
        }
    });
    queue.try_put(Keyed { key: 1, compare }).unwrap();
    let mut getters = getters.borrow_mut();
    getters.run();
    assert_eq!(getters.output(0).unwrap().unwrap().key, 1);
    assert_eq!(getters.output(2).unwrap().unwrap().key, 5);
    assert!(queue.is_empty() && queue.getters() == 0);
}

#[test]
fn a_comparison_may_shut_the_queue_down() {
    for how in [Shutdown::Drain, Shutdown::Now] {
        // While an item is put, and while one is got.
        for putting in [true, false] {
            let queue = leak(PriorityQueue::unbounded());
            let on = leak(Cell::new(false));
            let compare: Compare = Rc::new(move || {
                if on.replace(false) {
                    queue.shutdown(how);
                }
            });
            let keyed = move |key| Keyed { key, compare: compare.clone() };
            (0..4).for_each(|key| queue.try_put(keyed(key)).unwrap());
            let mut joiners = Hand::new();
            joiners.start(queue.join());
            on.set(true);
            if putting {
                assert!(queue.try_put(keyed(9)).is_ok());
            } else {
                assert_eq!(queue.try_get().unwrap().key, 0);
                queue.task_done().unwrap();
            }
            let left: Vec<u32> = keys(queue);
            match (how, putting) {
                (Shutdown::Drain, true) => assert_eq!(left, [0, 1, 2, 3, 9]),
                (Shutdown::Drain, false) => assert_eq!(left, [1, 2, 3]),
                (Shutdown::Now, _) => assert!(left.is_empty()),
            }
            left.iter().for_each(|_| queue.task_done().unwrap());
            joiners.run();
            assert_eq!((joiners.output(0), queue.task_done().is_err()), (Some(()), true));
        }
    }
}

/// Each comparison panics in turn, also in the midst of a hand-over; nothing is lost, and nobody hangs.
#[test]
fn a_comparison_that_panics_loses_nothing() {
    const ITEMS: u32 = 12;
    for fatal in 1..80_i32 {
        let left = Rc::new(Cell::new(fatal));
        let compare: Compare = {
            let left = left.clone();
            Rc::new(move || {
                left.set(left.get() - 1);
                assert!(left.get() != 0, "on purpose");
            })
        };
        let queue = PriorityQueue::bounded(5);
        let (mut putters, mut got) = (Hand::new(), Vec::new());
        for key in 0..ITEMS {
            let put = queue.put(Keyed { key: key * 7 % ITEMS, compare: compare.clone() });
            // The item is in, whether it panicked or not.
            let _ = catch_unwind(AssertUnwindSafe(|| putters.start(put)));
        }
        assert_eq!(queue.len() + queue.putters(), ITEMS as usize);
        let mut panics = 0;
        while !queue.is_empty() {
            let get = catch_unwind(AssertUnwindSafe(|| queue.try_get().unwrap().key));
            panics += usize::from(get.is_err());
            got.extend(get.ok());
        }
        assert!(panics <= 1);
        putters.run();
        got.sort_unstable();
        assert_eq!(got, (0..ITEMS).collect::<Vec<_>>());
        got.iter().for_each(|_| queue.task_done().unwrap());
        assert!(queue.task_done().is_err());
    }
}

/// The getter whose poll compares panics; its turn goes to the next.
#[test]
fn a_getter_that_panics_passes_its_turn_on() {
    let queue = leak(PriorityQueue::unbounded());
    let fatal = leak(Cell::new(false));
    let compare: Compare = Rc::new(|| {
        assert!(!fatal.replace(false), "on purpose");
    });
    let mut getters = Hand::new();
    for _ in 0..5 {
        getters.start(queue.get());
    }
    (0..4).for_each(|key| queue.try_put(Keyed { key, compare: compare.clone() }).unwrap());
    fatal.set(true);
    assert!(catch_unwind(AssertUnwindSafe(|| getters.poll(0))).is_err());
    getters.drop(0);
    getters.run();
    let got: Vec<u32> = (1..5).map(|at| getters.output(at).unwrap().unwrap().key).collect();
    assert_eq!(got, [0, 1, 2, 3]);
    queue.shutdown(Shutdown::Now);
    assert_eq!(getters.output(0), None::<Result<Keyed, GetError>>);
}
