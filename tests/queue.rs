//! `Queue`, `LifoQueue` and `PriorityQueue`: order, turns, ends, and foreign code in the midst.

#[path = "queue/contract.rs"]
mod contract;
#[path = "queue/elsewhere.rs"]
mod elsewhere;
#[path = "queue/end.rs"]
mod end;
#[path = "queue/foreign.rs"]
mod foreign;
#[path = "queue/hand.rs"]
mod hand;
#[path = "queue/kind.rs"]
mod kind;
#[path = "queue/line.rs"]
mod line;
#[path = "queue/model.rs"]
mod model;
#[path = "queue/order.rs"]
mod order;
#[path = "queue/random.rs"]
mod random;
#[path = "queue/stream.rs"]
mod stream;
#[path = "support/mod.rs"]
mod support;
