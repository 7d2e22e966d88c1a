//! accept(2) for listeners.
//!
//! # Safety
//! An SQE names a place of [`Peers`], which are the sink's: it answers for them until the final
//! completion.

#![allow(unsafe_code, reason = "has the kernel write addresses")]

use std::cell::UnsafeCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::rc::Rc;

use uring_sys_shim::{sqe, sys};

use crate::driver::{Descriptor, Driver, OpKey, Sink};

/// Where the kernel writes whose a connection is: a place for each accept that may be in flight.
pub(crate) struct Peers {
    places: Box<[UnsafeCell<sys::Address>]>,
}

impl Peers {
    pub(crate) fn with_places(places: usize) -> Peers {
        let place = || UnsafeCell::new(sys::Address::empty());
        Peers { places: (0..places).map(|_| place()).collect() }
    }

    /// Accepts one connection. The place is the operation's tag.
    ///
    /// # Safety
    /// `sink` owns `self`, and no accept is in flight that has this place.
    pub(crate) unsafe fn accept(
        &self,
        driver: &Driver,
        fd: RawFd,
        sink: Rc<dyn Sink>,
        place: usize,
    ) -> io::Result<OpKey> {
        // SAFETY: nobody else uses the place while nothing is in flight for it.
        let (address, len) = unsafe { &mut *self.places[place].get() }.as_mut_ptrs();
        let sqe = sqe::accept_from(fd, address, len, libc::SOCK_CLOEXEC);
        // SAFETY: the place is the sink's, boxed, and left alone until the completion.
        unsafe { driver.submit_to(sqe, sink, place as u32) }
    }

    /// Whose the connection is that the accept with this place has brought; `None` if it has no
    /// internet address.
    ///
    /// # Safety
    /// No accept is in flight that has this place.
    pub(crate) unsafe fn peer(&self, place: usize) -> Option<SocketAddr> {
        // SAFETY: as above; the kernel has written the address and its length, or nothing.
        unsafe { &*self.places[place].get() }.inet()
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers").field("places", &self.places.len()).finish()
    }
}

/// The connection that a completion brought, or the errno.
pub(crate) fn accepted(driver: &Rc<Driver>, res: i32) -> Result<Descriptor, i32> {
    if res < 0 {
        return Err(-res);
    }
    // SAFETY: the kernel just opened this descriptor for us; nobody else knows its number.
    let fd = unsafe { OwnedFd::from_raw_fd(res) };
    Ok(Descriptor::new(driver, fd))
}
