//! Random trees: each node is a future that has others within.

use std::future::pending;
use std::mem::forget;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::time::{Instant, sleep};
use ringio::{
    JoinError, JoinHandle, cancel_scope, gather, on_cancel, shield, spawn, timeout, timeout_at,
    timeout_scope, yield_now,
};

use crate::support::poll_once;
use crate::trees::clean_up::clean_up;
use crate::trees::group::group;
use crate::trees::world::{Guard, Id, Kind, World};

pub(crate) type Boxed<'a, T = ()> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The payload of panics that the test wants.
pub(crate) struct Planned;

pub(crate) const fn ms(n: usize) -> Duration {
    Duration::from_millis(n as u64)
}

/// Where in a tree something grows.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Within this life.
    pub(crate) parent: Id,
    /// How much deeper it may go.
    pub(crate) depth: usize,
    /// It may wait for ever: somebody asks it to end.
    pub(crate) endless: bool,
    /// It may panic.
    pub(crate) panics: bool,
}

impl Place {
    pub(crate) fn within(self, parent: Id) -> Place {
        Place { parent, depth: self.depth.saturating_sub(1), ..self }
    }
}

/// A random node.
pub(crate) fn grow(world: &Rc<World>, place: Place) -> Boxed<'static> {
    let world = world.clone();
    Box::pin(async move {
        if place.depth == 0 || world.is_full() {
            return leaf(&world, place).await;
        }
        match world.below(20) {
            0 => leaf(&world, place).await,
            1 | 2 => group(&world, place).await,
            3 => bounded(&world, place).await,
            4 | 5 => movable(&world, place).await,
            6 | 7 => scope(&world, place).await,
            8 => shielded(&world, place).await,
            9 => gathered(&world, place).await,
            10 => beside(&world, place).await,
            11 => raced(&world, place).await,
            12 => tasks(&world, place).await,
            13 | 14 => subtree(&world, place).await,
            15 => {
                grow(&world, place.within(place.parent)).await;
                grow(&world, place.within(place.parent)).await;
            }
            _ => protected(&world, place).await,
        }
    })
}

async fn leaf(world: &Rc<World>, place: Place) {
    match world.below(12) {
        0 => {}
        1..4 => yield_now().await,
        4..9 => sleep(ms(world.below(20))).await,
        9 if world.sockets && !world.forgets => there_and_back(world).await,
        9 if place.endless => pending().await,
        10 if place.panics && world.below(4) == 0 => {
            world.panics(place.parent);
            resume_unwind(Box::new(Planned));
        }
        _ => request(world),
    }
}

/// Bytes to itself, on the loop's sockets.
async fn there_and_back(world: &World) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bytes = vec![7; 1 + world.below(300)];
    let both = async { (TcpStream::connect(address).await, listener.accept().await) };
    let (mut near, (mut far, _)) = match both.await {
        (Ok(near), Ok(far)) => (near, far),
        failed => return world.fault(format!("{failed:?}")),
    };
    near.write_all(bytes.clone()).await.0.unwrap();
    let (result, back) = far.read_exact(Vec::with_capacity(bytes.len())).await;
    if result.is_err() || back != bytes {
        world.fault("other bytes came back".to_owned());
    }
    world.saw("reads");
}

/// Asks somebody to end, maybe the caller.
pub(crate) fn request(world: &Rc<World>) {
    let nth = |len: usize| (len > 0).then(|| world.below(len));
    match world.below(6) {
        0..3 => {
            let scopes = world.scopes.borrow();
            let Some(nth) = nth(scopes.len()) else { return };
            let (id, scope) = scopes[nth].clone();
            drop(scopes);
            world.asks(id);
            scope.cancel();
            assert!(scope.is_cancelled());
        }
        3 | 4 => {
            let tasks = world.tasks.borrow();
            let Some(nth) = nth(tasks.len()) else { return };
            let (id, task) = &tasks[nth];
            if task.cancel() {
                world.asks(*id);
            }
        }
        _ => {
            let timeouts = world.timeouts.borrow();
            let Some(nth) = nth(timeouts.len()) else { return };
            let (id, scope) = timeouts[nth].clone();
            drop(timeouts);
            let to = match world.below(4) {
                0 => None,
                1 => Some(Instant::now()),
                _ => Some(Instant::now() + ms(world.below(30))),
            };
            scope.reschedule(to);
            world.saw("deadlines moved");
            world.is_due_at(id, scope.when());
        }
    }
}

/// What lives in an owner.
async fn body(world: Rc<World>, guard: Guard, place: Place) {
    guard.start();
    grow(&world, place.within(guard.id)).await;
    guard.finish();
}

/// What an owner has said must fit what became of its body.
fn judge(world: &World, id: Id, is_done: bool) {
    world.nothing_is_left_beneath(id);
    if !world.is_over(id) || is_done && !world.has_finished(id) {
        world.fault(format!("{id} says it has finished: {is_done}"));
    }
    if !is_done && world.has_finished(id) {
        // It was polled for the sake of its clean-ups.
        world.saw("results that came too late");
    }
    match (is_done, world.is_asked(id)) {
        (false, false) => world.fault(format!("{id} was not asked to end")),
        (true, true) => world.saw("results that won"),
        _ => {}
    }
}

async fn bounded(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::Timeout, Some(place.parent));
    let (id, time) = (guard.id, ms(world.below(25)));
    let deadline = Instant::now() + time;
    world.is_due_at(id, Some(deadline));
    let body = body(world.clone(), guard, place);
    let ended = match world.below(2) {
        0 => timeout(time, body).await,
        _ => timeout_at(deadline, body).await,
    };
    judge(world, id, ended.is_ok());
    if ended.is_err() {
        expired(world, place);
    }
}

fn expired(world: &World, place: Place) {
    world.saw("timeouts that expired");
    if world.is_asked_around(place.parent) {
        world.saw("timeouts that expired where the end was asked for");
    }
}

async fn movable(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::Timeout, Some(place.parent));
    let id = guard.id;
    let deadline = (world.below(3) > 0).then(|| Instant::now() + ms(world.below(25)));
    world.is_due_at(id, deadline);
    let ended = timeout_scope(deadline, async |scope| {
        world.timeouts.borrow_mut().push((id, scope.clone()));
        body(world.clone(), guard, place).await;
    });
    let ended = ended.await;
    judge(world, id, ended.is_ok());
    if ended.is_err() {
        expired(world, place);
    }
}

async fn scope(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::Scope, Some(place.parent));
    let id = guard.id;
    let ended = cancel_scope(async |scope| {
        world.scopes.borrow_mut().push((id, scope.clone()));
        if world.below(8) == 0 {
            world.asks(id);
            scope.cancel();
            scope.cancel();
        }
        body_if_going(world, guard, place, scope.is_cancelled()).await;
    });
    judge(world, id, ended.await.is_ok());
}

/// As [`body`], which is itself no node that a request keeps from its start.
async fn body_if_going(world: &Rc<World>, guard: Guard, place: Place, is_asked: bool) {
    if !is_asked {
        guard.start();
    }
    grow(world, place.within(guard.id)).await;
    guard.finish();
}

async fn shielded(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::Shielded, None);
    let id = guard.id;
    let calm = Place { endless: false, panics: false, ..place };
    let task = shield(body(world.clone(), guard, calm));
    let dropped = match world.below(4) {
        0 => {
            drop(task);
            true
        }
        1 => timeout(ms(world.below(10)), task).await.is_err(),
        2 if world.forgets => {
            forget(task);
            true
        }
        _ => {
            task.await;
            false
        }
    };
    if dropped && !world.is_over(id) {
        world.saw("shields that outlive who awaits them");
    }
    if !dropped && !world.has_finished(id) {
        world.fault(format!("{id}: a shield gives what is not there"));
    }
}

async fn part(world: Rc<World>, guard: Guard, place: Place) {
    body(world, guard, place).await;
}

async fn gathered(world: &Rc<World>, place: Place) {
    let parts = (0..1 + world.below(4)).map(|_| {
        let guard = world.life(Kind::Part, Some(place.parent));
        part(world.clone(), guard, place)
    });
    let parts: Vec<_> = parts.collect();
    gather(parts).await;
}

async fn beside(world: &Rc<World>, place: Place) {
    let [one, two] = branches(world, place);
    let (one, two) = (body(world.clone(), one, place), body(world.clone(), two, place));
    ringio::join!(one, two);
}

fn branches(world: &Rc<World>, place: Place) -> [Guard; 2] {
    [0, 1].map(|_| world.life(Kind::Branch, Some(place.parent)))
}

async fn raced(world: &Rc<World>, place: Place) {
    let [one, two] = branches(world, place);
    let ids = [one.id, two.id];
    let run = async |guard: Guard, other: Id| {
        guard.start();
        grow(world, place.within(guard.id)).await;
        guard.finish();
        world.cut(other);
    };
    ringio::select! {
        () = run(one, ids[1]) => {}
        () = run(two, ids[0]) => {}
    }
    for id in ids {
        if !world.is_over(id) {
            world.fault(format!("{id} outlives its select"));
        }
    }
}

/// A task of the loop, whose life begins with this call.
pub(crate) fn task(world: &Rc<World>, place: Place) -> (Id, JoinHandle<()>) {
    let guard = world.life(Kind::Task, None);
    (guard.id, spawn(body(world.clone(), guard, place)))
}

async fn tasks(world: &Rc<World>, place: Place) {
    let mortal = Place { endless: false, ..place };
    match world.below(4) {
        0 => {
            let (_, task) = task(world, mortal);
            drop(task);
        }
        1 => {
            let kept = task(world, Place { endless: true, ..place });
            world.tasks.borrow_mut().push(kept);
        }
        2 => {
            let (id, task) = task(world, mortal);
            if world.below(2) == 0 {
                yield_now().await;
            }
            if task.cancel() {
                world.asks(id);
            }
            judge_task(world, id, task.await);
        }
        _ => {
            let (id, task) = task(world, mortal);
            judge_task(world, id, task.await);
        }
    }
}

pub(crate) fn judge_task(world: &World, id: Id, outcome: Result<(), JoinError>) {
    if world.closing.get() {
        return;
    }
    match outcome {
        Err(JoinError::Panicked(payload)) => {
            world.saw("tasks that panicked");
            if !payload.is::<Planned>() || !world.was_cut(id) {
                world.fault(format!("{id} panicked"));
            }
            world.nothing_is_left_beneath(id);
        }
        outcome => judge(world, id, outcome.is_ok()),
    }
}

/// What is dropped, or forgotten, after some polls.
async fn subtree(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::Subtree, Some(place.parent));
    let id = guard.id;
    let mut tree = Box::pin(body(world.clone(), guard, place));
    for _ in 0..world.below(8) {
        if poll_once(&mut tree).await.is_ready() {
            return;
        }
        match world.below(2) {
            0 => yield_now().await,
            _ => sleep(ms(world.below(8))).await,
        }
    }
    if world.forgets && world.below(4) == 0 {
        world.forget(id);
        return forget(tree);
    }
    world.cut(id);
    drop(tree);
    world.nothing_is_left_beneath(id);
}

async fn protected(world: &Rc<World>, place: Place) {
    let guard = world.life(Kind::OnCancel, Some(place.parent));
    let (id, awaited) = (guard.id, world.life(Kind::Awaited, Some(guard.id)));
    let work = async {
        guard.start();
        body(world.clone(), awaited, place).await;
    };
    on_cancel(work, async || clean_up(world, id, place).await).await;
    if world.clean_ups_of(id) > 0 {
        world.fault(format!("{id} goes on behind its clean-up"));
    }
    guard.finish();
}
