//! A few trees, somebody who meddles with them, and the end of all.

use std::rc::Rc;

use ringio::time::sleep;
use ringio::yield_now;

use crate::trees::grow::{Place, judge_task, ms, request, task};
use crate::trees::seen::Counts;
use crate::trees::world::World;

/// Turns after which something hangs: all that can be asked to end was, and the rest ends itself.
const TURNS: usize = 3000;

/// What a loop runs.
pub(crate) async fn forest(world: &Rc<World>) {
    let depth = 3 + world.below(8);
    for _ in 0..1 + world.below(3) {
        let place = Place { parent: 0, depth, endless: true, panics: true };
        let root = task(world, place);
        world.tasks.borrow_mut().push(root);
    }
    let quiet = 3 + world.below(60);
    let closes = world.below(10) == 0;
    for turn in 0.. {
        if world.roots.get() == 0 || closes && turn == quiet {
            break;
        }
        if turn > TURNS {
            world.fault(format!("{} tasks hang", world.roots.get()));
            break;
        }
        match turn {
            _ if turn < quiet => {
                if turn > 2 && world.below(8) == 0 {
                    request(world);
                }
            }
            _ if turn == quiet || world.below(4) == 0 => {
                for (id, task) in &*world.tasks.borrow() {
                    if task.cancel() {
                        world.asks(*id);
                    }
                }
            }
            _ => {}
        }
        match world.below(3) {
            0 => sleep(ms(world.below(6))).await,
            _ => yield_now().await,
        }
    }
    if world.roots.get() > 0 {
        world.saw("runners that closed in the midst");
        world.closing.set(true);
        return;
    }
    let tasks = world.tasks.take();
    for (id, task) in tasks {
        judge_task(world, id, task.await);
    }
    world.closing.set(true);
}

/// When the loop has ended.
#[track_caller]
pub(crate) fn verdict(world: &Rc<World>) -> Counts {
    drop((world.tasks.take(), world.scopes.take(), world.timeouts.take()));
    let (faults, seen) = world.verdict();
    assert!(faults.is_empty(), "{faults:#?}");
    if !world.forgets {
        assert_eq!((world.alive.get(), Rc::strong_count(world)), (0, 1), "something is kept");
    }
    seen
}
