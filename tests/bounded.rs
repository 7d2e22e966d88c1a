//! What a loop takes in for those who do not come for it, and keeps for those who do not read it,
//! is bounded; and nobody's neighbour pays for it.

mod bounded {
    mod backlog;
    mod flood;
    #[path = "../nothing_lost/letters.rs"]
    mod letters;
    mod measure;
    mod pool;
    mod unread;
}
mod support;
