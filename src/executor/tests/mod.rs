//! What the executor promises, and attempts to break it.

mod cancel;
mod children;
mod cost;
mod end;
mod join;
mod life;
mod panics;
mod reentrancy;
mod remote;
mod stress;
mod support;

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use self::support::*;
use super::{Executor, JoinHandle, Meta};
