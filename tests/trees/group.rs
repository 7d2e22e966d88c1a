//! Groups, whose children borrow.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;

use ringio::{TaskGroup, task_group, yield_now};

use crate::trees::grow::{Boxed, Place, Planned, grow};
use crate::trees::world::{Guard, Id, Kind, World};

const MARK: u64 = 0x0123_4567_89ab_cdef;

/// What the children of a group borrow. Freed memory is spoiled: who looks too late finds no mark.
struct Lent {
    world: Rc<World>,
    mark: Cell<u64>,
    borrowers: Cell<usize>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.mark.set(0);
        if self.borrowers.get() > 0 {
            self.world.fault("a child outlives what it borrows".to_owned());
        }
    }
}

/// A child's hold on it.
struct Hold<'env>(&'env Lent);

impl<'env> Hold<'env> {
    fn new(lent: &'env Lent) -> Self {
        lent.borrowers.set(lent.borrowers.get() + 1);
        Hold(lent)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        assert_eq!(self.0.mark.get(), MARK, "a child looks at memory that is gone");
        self.0.borrowers.set(self.0.borrowers.get() - 1);
    }
}

pub(crate) async fn group(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::Group, Some(place.parent));
    let id = guard.id;
    let place = place.within(id);
    let lent =
        Box::new(Lent { world: world.clone(), mark: Cell::new(MARK), borrowers: Cell::new(0) });
    let first = world.life(Kind::Body, Some(id));
    let body = first.id;
    guard.start();
    let ended = task_group(async |group| lead(group, &lent, first, id, place).await).await;
    world.nothing_is_left_beneath(id);
    if lent.borrowers.get() > 0 {
        world.fault(format!("a child outlives its group {id}"));
    }
    match ended {
        Ok(()) if world.has_finished(body) => {}
        Err(error) if world.is_asked(id) => {
            world.saw(if error.is_cancelled() { "groups cancelled" } else { "groups that failed" });
        }
        ended => world.fault(format!("{id} says {ended:?}")),
    }
    guard.finish();
}

/// Whether the group was told to end here, and how: `Err` for a failure.
fn stop<'env>(
    group: &TaskGroup<'env, Id>,
    world: &World,
    [id, body, own]: [Id; 3],
    place: Place,
) -> Result<(), Id> {
    match world.below(24) {
        0 => {
            world.asks_all_of(id);
            world.asks(body);
            group.cancel();
            assert!(group.is_closed());
            Ok(())
        }
        1 => {
            world.asks_all_of(id);
            Err(own)
        }
        2 if place.panics => {
            world.panics(own);
            resume_unwind(Box::new(Planned));
        }
        _ => Ok(()),
    }
}

async fn lead<'env>(
    group: &TaskGroup<'env, Id>,
    lent: &'env Lent,
    guard: Guard,
    id: Id,
    place: Place,
) -> Result<(), Id> {
    guard.start();
    let world = &lent.world;
    let own = [id, guard.id, guard.id];
    let place = Place { parent: guard.id, ..place };
    let mut children = Vec::new();
    for _ in 0..world.below(5) {
        let guard = world.life(Kind::Child, Some(id));
        let nth = guard.id;
        let child = group.spawn(child(group.clone(), lent, guard, own, place));
        match world.below(6) {
            0 => drop(child),
            1 => yield_now().await,
            2 => stop(group, world, own, place)?,
            3 => _ = child.cancel().then(|| world.asks(nth)),
            _ => children.push((nth, child)),
        }
    }
    if world.below(3) == 0 {
        grow(world, place).await;
    }
    for (nth, child) in children {
        match world.below(4) {
            0 => {
                yield_now().await;
                _ = child.cancel().then(|| world.asks(nth));
                _ = child.cancel().then(|| world.asks(nth));
            }
            1 => {
                let has_value = child.await.is_ok();
                if !world.is_over(nth) || has_value && !world.has_finished(nth) {
                    world.fault(format!("{nth} has a value: {has_value}"));
                }
            }
            _ => {}
        }
    }
    stop(group, world, own, place)?;
    guard.finish();
    Ok(())
}

fn child<'env>(
    group: TaskGroup<'env, Id>,
    lent: &'env Lent,
    guard: Guard,
    [id, body, _]: [Id; 3],
    place: Place,
) -> Boxed<'env, Result<(), Id>> {
    let hold = Hold::new(lent);
    Box::pin(async move {
        guard.start();
        let world = &lent.world;
        let own = [id, body, guard.id];
        let place = place.within(guard.id);
        if !world.is_full() && world.below(4) == 0 {
            let guard = world.life(Kind::Child, Some(id));
            drop(group.spawn(child(group.clone(), lent, guard, own, place)));
        }
        grow(world, place).await;
        stop(&group, world, own, place)?;
        guard.finish();
        drop(hold);
        Ok(())
    })
}
