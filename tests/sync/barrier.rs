//! asyncio's sentences about `Barrier`.

use ringio::sync::{Barrier, BrokenBarrier};

use super::by_hand::{Tasks, now};

#[test]
#[should_panic = "a barrier is for one task at least"]
fn nobody_is_too_few() {
    let _ = Barrier::new(0);
}

#[test]
fn each_gets_another_number() {
    let barrier = Barrier::new(3);
    let mut tasks = Tasks::new();
    tasks.waits(barrier.wait());
    tasks.waits(barrier.wait());
    assert_eq!((barrier.parties(), barrier.waiters()), (3, 2));
    assert_eq!(now(barrier.wait()), Ok(2));
    assert_eq!(barrier.waiters(), 0);
    assert_eq!(tasks.run(), [(0, Ok(0)), (1, Ok(1))]);
}

/// Who comes while the others have yet to run counts for the next time, and does not overtake them.
#[test]
fn late_comers_wait_for_the_next_time() {
    let barrier = Barrier::new(2);
    let mut tasks = Tasks::new();
    for round in 0..3 {
        tasks.waits(barrier.wait());
        assert_eq!(now(barrier.wait()), Ok(1));
        let late = tasks.waits(barrier.wait());
        assert_eq!(barrier.waiters(), 1);
        assert_eq!(tasks.run(), [(2 * round, Ok(0))]);
        assert_eq!(now(barrier.wait()), Ok(1));
        assert_eq!(tasks.run(), [(late, Ok(0))]);
    }
}

#[test]
fn reset_breaks_it_for_those_who_wait_and_it_can_be_used_again() {
    let barrier = Barrier::new(2);
    let mut tasks = Tasks::new();
    tasks.waits(barrier.wait());
    barrier.reset();
    assert!(!barrier.is_broken());
    // Before the broken one has run.
    tasks.waits(barrier.wait());
    assert_eq!(now(barrier.wait()), Ok(1));
    assert_eq!(tasks.run(), [(0, Err(BrokenBarrier)), (1, Ok(0))]);
}

/// All were there: no reset or abort takes that back.
#[test]
fn those_who_were_let_go_do_not_hear_of_a_reset_or_an_abort() {
    for end in [Barrier::reset, Barrier::abort] {
        let barrier = Barrier::new(2);
        let mut tasks = Tasks::new();
        tasks.waits(barrier.wait());
        assert_eq!(now(barrier.wait()), Ok(1));
        end(&barrier);
        assert_eq!(tasks.run(), [(0, Ok(0))]);
    }
}

#[test]
fn abort_breaks_it_for_all_until_it_is_reset() {
    let barrier = Barrier::new(2);
    let mut tasks = Tasks::new();
    tasks.waits(barrier.wait());
    barrier.abort();
    assert!(barrier.is_broken());
    assert_eq!(now(barrier.wait()), Err(BrokenBarrier));
    assert_eq!(tasks.run(), [(0, Err(BrokenBarrier))]);
    assert_eq!(now(barrier.wait()), Err(BrokenBarrier));
    barrier.reset();
    tasks.waits(barrier.wait());
    assert_eq!(now(barrier.wait()), Ok(1));
    assert_eq!(tasks.run(), [(1, Ok(0))]);
}

#[test]
fn one_that_is_dropped_leaves_and_the_others_wait_on() {
    let barrier = Barrier::new(3);
    let mut tasks = Tasks::new();
    tasks.waits(barrier.wait());
    tasks.waits(barrier.wait());
    tasks.drop(0);
    assert_eq!(barrier.waiters(), 1);
    tasks.waits(barrier.wait());
    assert_eq!(tasks.run(), []);
    assert_eq!(now(barrier.wait()), Ok(2));
    assert_eq!(tasks.run(), [(1, Ok(0)), (2, Ok(1))]);
}

#[test]
fn alone_one_need_not_wait() {
    let barrier = Barrier::new(1);
    assert_eq!((now(barrier.wait()), now(barrier.wait())), (Ok(0), Ok(0)));
}
