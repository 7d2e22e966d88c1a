//! Asking for memory that will be needed soon.

#[cfg(not(target_arch = "x86_64"))]
mod none;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
pub(crate) use none::prefetch;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::prefetch;
