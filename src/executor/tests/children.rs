//! Children, polled by hand: what becomes of them goes to their keeper, while it is there.

use std::cell::RefCell;
use std::future::pending;
use std::mem::forget;
use std::panic::panic_any;

use super::*;
use crate::executor::{Child, Children, Keeper, yield_now};
use crate::util::contain::{Payload, message};

/// What a keeper has heard, and what it does about a panic.
#[derive(Default)]
struct Notes {
    failed: RefCell<Vec<u32>>,
    panics: RefCell<Vec<String>>,
    on_panic: Cell<OnPanic>,
}

#[derive(Clone, Copy, Default)]
enum OnPanic {
    #[default]
    Note,
    GiveBack,
    Panic,
}

impl Keeper<u32> for Notes {
    fn failed(&self, error: u32) {
        self.failed.borrow_mut().push(error);
    }

    fn panicked(&self, payload: Payload) -> Result<(), Payload> {
        match self.on_panic.get() {
            OnPanic::Note => self.panics.borrow_mut().push(message(&*payload).to_owned()),
            OnPanic::GiveBack => return Err(payload),
            OnPanic::Panic => panic_any("of the keeper"),
        }
        Ok(())
    }
}

struct Nursery {
    children: Children<'static, Notes>,
    notes: Notes,
}

impl Nursery {
    fn new() -> Nursery {
        Nursery { children: Children::new(), notes: Notes::default() }
    }

    fn spawn<T: 'static>(
        &self,
        future: impl Future<Output = Result<T, u32>> + 'static,
    ) -> Child<'static, T> {
        self.children.spawn(&self.notes, Meta::here(), future)
    }

    /// More turns than any child here needs.
    fn settle(&self) {
        (0..20).for_each(|_| self.children.poll(&self.notes));
    }
}

fn outcome<T>(child: Child<'_, T>) -> Result<T, Option<String>> {
    let Poll::Ready(outcome) = poll_once(child) else { panic!("it has not ended") };
    outcome.map_err(|error| error.is_panic().then(|| message(&*error.into_panic()).to_owned()))
}

/// A child with this to drop.
async fn holding<D>(held: D, ends: bool) -> Result<(), u32> {
    let _held = held;
    yield_now().await;
    if ends { Ok(()) } else { pending().await }
}

#[test]
fn values_are_the_handle_s_and_failures_the_keeper_s() {
    let ex = executor();
    let _guard = ex.enter();
    let nursery = Nursery::new();
    let value = nursery.spawn(async {
        yield_now().await;
        Ok(String::from("value"))
    });
    drop(nursery.spawn(async { Ok(String::from("nobody's")) }));
    drop(nursery.spawn(async { Ok(1) }));
    let failed = nursery.spawn(async { Err::<(), _>(7) });
    drop(nursery.spawn(async { Err::<(), _>(8) }));
    let panicked = nursery.spawn::<()>(async { panic!("of a child") });
    drop(nursery.spawn(holding(on_drop(|| panic!("of a destructor")), true)));
    assert_eq!(nursery.children.len(), 7);
    nursery.settle();
    assert_eq!(nursery.children.len(), 0);
    assert_eq!(outcome(value), Ok("value".into()));
    assert_eq!((outcome(failed), outcome(panicked)), (Err(None), Err(None)));
    assert_eq!(*nursery.notes.failed.borrow(), [7, 8]);
    assert_eq!(*nursery.notes.panics.borrow(), ["of a child", "of a destructor"]);
}

#[test]
fn a_panic_that_the_keeper_does_not_take_is_the_outcome() {
    for (on_panic, words) in [(OnPanic::GiveBack, "of a child"), (OnPanic::Panic, "of the keeper")]
    {
        let ex = executor();
        let _guard = ex.enter();
        let nursery = Nursery::new();
        nursery.notes.on_panic.set(on_panic);
        let child = nursery.spawn::<()>(async { panic!("of a child") });
        let held = nursery.spawn(holding(on_drop(|| panic!("of a child")), true));
        nursery.settle();
        assert_eq!(outcome(child), Err(Some(words.into())));
        assert_eq!(outcome(held), Err(Some(words.into())));
        assert_eq!(nursery.children.len(), 0);
    }
}

#[test]
fn what_ends_the_children_hears_of_their_destructors() {
    let ex = executor();
    let _guard = ex.enter();
    let nursery = Nursery::new();
    drop(nursery.spawn(holding(on_drop(|| panic!("of the first")), false)));
    drop(nursery.spawn(holding(on_drop(|| panic!("of the second")), false)));
    nursery.settle();
    nursery.children.end_all(&nursery.notes);
    // Too late, and heard of all the same.
    let late = nursery.spawn(holding(on_drop(|| panic!("of a late one")), false));
    assert_eq!(outcome(late), Err(None));
    assert_eq!(*nursery.notes.panics.borrow(), ["of the first", "of the second", "of a late one"]);
}

#[test]
fn without_a_keeper_a_panic_is_the_outcome() {
    let ex = executor();
    let _guard = ex.enter();
    let Nursery { children, notes } = Nursery::new();
    let child =
        children.spawn(&notes, Meta::here(), holding(on_drop(|| panic!("of a destructor")), false));
    children.poll(&notes);
    drop(notes);
    drop(children);
    assert_eq!(outcome(child), Err(Some("of a destructor".into())));
}

#[test]
fn destructors_and_children_use_the_children() {
    let ex = executor();
    let _guard = ex.enter();
    let nursery = Rc::new(Nursery::new());
    let (own, late) = (nursery.clone(), nursery.clone());
    drop(nursery.spawn(async move {
        // A grandchild, whose failure is heard of in the midst of this one's turn.
        drop(own.spawn(async { Err::<(), _>(1) }));
        own.children.poll(&own.notes);
        drop(own.spawn(holding(on_drop(move || drop(late.spawn(async { Ok(()) }))), false)));
        Err::<(), _>(2)
    }));
    nursery.settle();
    assert_eq!((nursery.children.len(), nursery.notes.failed.take()), (1, vec![1, 2]));
    nursery.children.end_all(&nursery.notes);
    assert_eq!(nursery.children.len(), 0);
}

#[test]
fn a_child_may_end_them_all_within_its_own_turn() {
    let ex = executor();
    let _guard = ex.enter();
    let (nursery, drops) = (Rc::new(Nursery::new()), Drops::default());
    for _ in 0..3 {
        let (own, token) = (nursery.clone(), drops.token());
        drop(nursery.spawn::<()>(async move {
            let _token = token;
            own.children.end_all(&own.notes);
            pending().await
        }));
    }
    nursery.children.poll(&nursery.notes);
    assert_eq!((nursery.children.len(), drops.count()), (0, 3));
    nursery.settle();
}

#[test]
fn forgotten_children_are_left_alone() {
    let (drops, wakers) = (Drops::default(), Rc::<RefCell<Vec<Waker>>>::default());
    let ex = executor();
    let guard = ex.enter();
    let nursery = Nursery::new();
    for _ in 0..3 {
        let (token, wakers) = (drops.token(), wakers.clone());
        forget(nursery.spawn::<()>(async move {
            let _token = token;
            poll_fn(|cx| {
                wakers.borrow_mut().push(cx.waker().clone());
                Poll::Pending
            })
            .await
        }));
    }
    nursery.settle();
    forget(nursery);
    wakers.borrow().iter().for_each(Waker::wake_by_ref);
    settle(&ex);
    drop((guard, ex));
    let wakers = wakers.take();
    assert_eq!((wakers.len(), drops.count()), (3, 0));
    wakers.into_iter().for_each(Waker::wake);
}

#[test]
fn children_of_two_loops_are_one_family() {
    let (one, other) = (executor(), executor());
    let nursery = Nursery::new();
    for ex in [&one, &other, &one, &other, &other] {
        let _guard = ex.enter();
        drop(nursery.spawn(holding((), true)));
    }
    let listed = |ex: &Rc<Executor>| {
        let _guard = ex.enter();
        crate::executor::all().len()
    };
    assert_eq!((listed(&one), listed(&other), one.tasks(), other.tasks()), (2, 3, 0, 0));
    drop(one);
    let guard = other.enter();
    nursery.settle();
    assert_eq!(nursery.children.len(), 2, "nothing wakes those of a loop that has ended");
    drop(nursery);
    drop(guard);
    assert_eq!(listed(&other), 0);
}
