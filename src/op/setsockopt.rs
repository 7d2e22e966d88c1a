//! setsockopt(2) with an integer: an operation since Linux 6.7, a system call below.
//!
//! # Safety
//! The operation owns the value, boxed.

#![allow(unsafe_code, reason = "hands an option's value to the kernel")]

use std::io;

use uring_sys_shim::{Caps, Sqe, sqe, sys};

use crate::driver::Descriptor;

use super::{Operation, Submit};

struct SetOption {
    fd: i32,
    level: i32,
    name: i32,
    value: Box<i32>,
}

// SAFETY: the value is boxed and owned; nobody touches it before completion.
unsafe impl Operation for SetOption {
    type Output = ();

    fn prepare(&self) -> Sqe {
        let value: *const i32 = &*self.value;
        sqe::setsockopt(self.fd, self.level, self.name, value.cast(), 4)
    }

    fn complete(self, result: io::Result<u32>) -> io::Result<()> {
        result.map(drop)
    }
}

/// Sets a socket option whose value is an `int`.
pub(crate) async fn set_option(
    socket: &Descriptor,
    level: i32,
    name: i32,
    value: i32,
) -> io::Result<()> {
    let driver = socket.driver();
    if driver.caps().contains(Caps::SOCKET_OPTION) {
        let operation = SetOption { fd: socket.raw(), level, name, value: Box::new(value) };
        return Submit::new(driver, operation).await;
    }
    sys::set_option(socket.raw(), level, name, value)
}
