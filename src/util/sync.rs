//! What is shared between threads is made of these, so that `tests/models` can run the same files
//! with the parts of `loom` in their place.

pub(crate) use std::alloc::{alloc, dealloc};
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence,
};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard};
pub(crate) use std::thread_local;
