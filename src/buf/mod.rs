//! Buffers that an operation owns while the kernel works on them.

mod result;
mod slice;
mod traits;

pub use crate::driver::Chunk;
pub use result::BufResult;
pub use slice::Slice;
pub use traits::{IoBuf, IoBufMut};
