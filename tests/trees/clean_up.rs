//! Clean-ups of every kind.

use std::future::pending;
use std::panic::resume_unwind;
use std::rc::Rc;

use ringio::time::sleep;
use ringio::yield_now;

use crate::trees::grow::{Place, Planned, grow, ms, request, task};
use crate::trees::world::{Id, Kind, World};

/// The clean-up of an `on_cancel`.
pub(crate) async fn clean_up(world: &Rc<World>, on_cancel: Id, place: Place) {
    let guard = world.life(Kind::CleanUp, Some(on_cancel));
    guard.start();
    match world.below(10) {
        0 => {}
        1 => yield_now().await,
        2 | 3 => sleep(ms(world.below(15))).await,
        4 => {
            let (_, task) = task(world, Place { endless: false, ..place.within(guard.id) });
            drop(task);
            yield_now().await;
        }
        5 => {
            request(world);
            yield_now().await;
            request(world);
        }
        6 => {
            if world.below(2) == 0 {
                yield_now().await;
            }
            world.panics(guard.id);
            resume_unwind(Box::new(Planned));
        }
        7 => match world.below(4) {
            0 => pending().await,
            1 => sleep(ms(200)).await,
            _ => {}
        },
        _ => {
            let inner = Place { endless: false, ..place.within(guard.id) };
            grow(world, inner).await;
            world.saw("clean-ups with trees of their own");
        }
    }
    guard.finish();
}
