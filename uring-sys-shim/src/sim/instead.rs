//! System calls that the simulated kernel answers, where one is installed and the descriptor is
//! its own.

use std::io;
use std::os::fd::RawFd;

use super::file::{FileId, Kind};
use super::machine::Machine;
use super::world::World;
use crate::sys::Address;

/// Asks the world about one of its descriptors.
fn ask<T>(fd: RawFd, answer: impl FnOnce(&mut World, FileId) -> T) -> Option<T> {
    let machine = Machine::current()?;
    let mut world = machine.world();
    let file = world.file(fd)?;
    Some(answer(&mut world, file))
}

fn result<T>(outcome: Result<T, i32>) -> io::Result<T> {
    outcome.map_err(io::Error::from_raw_os_error)
}

pub(crate) fn monotonic() -> Option<u64> {
    Machine::current().map(|machine| machine.now())
}

/// A new eventfd of the process. The doorbell's poll is simulated; so are the writes to it.
pub(crate) fn opened(eventfd: RawFd) {
    if let Some(machine) = Machine::current() {
        let mut world = machine.world();
        let file = world.add(Kind::Event { edges: 0 });
        world.files[file].holders = 1;
        world.name(eventfd, file);
    }
}

pub(crate) fn eventfd_write(fd: RawFd) -> Option<io::Result<()>> {
    ask(fd, |world, file| {
        if let Kind::Event { edges } = &mut world.files[file].kind {
            *edges += 1;
        }
        Ok(())
    })
}

pub(crate) fn close(fd: RawFd) -> Option<io::Result<()>> {
    ask(fd, |world, _| result(world.close(fd)))
}

pub(crate) fn bind(fd: RawFd, address: &Address) -> Option<io::Result<()>> {
    let address = address.inet()?;
    ask(fd, |world, file| result(world.bind(file, address)))
}

pub(crate) fn listen(fd: RawFd, backlog: i32) -> Option<io::Result<()>> {
    ask(fd, |world, file| result(world.listen(file, backlog)))
}

pub(crate) fn getsockname(fd: RawFd) -> Option<io::Result<Address>> {
    let local = ask(fd, |world, file| match &world.files[file].kind {
        Kind::Fresh { bound } => bound.ok_or(libc::EINVAL),
        Kind::Listener(listener) => Ok(listener.address),
        Kind::Stream(stream) => Ok(stream.local),
        Kind::Event { .. } | Kind::Gone => Err(libc::ENOTSOCK),
    })?;
    Some(result(local.map(Address::from)))
}

pub(crate) fn getpeername(fd: RawFd) -> Option<io::Result<Address>> {
    let remote = ask(fd, |world, file| match &world.files[file].kind {
        Kind::Stream(stream) if !stream.reset => Ok(stream.remote),
        _ => Err(libc::ENOTCONN),
    })?;
    Some(result(remote.map(Address::from)))
}

/// Of the options only `SO_LINGER` changes anything.
pub(crate) fn setsockopt(
    fd: RawFd,
    (level, name): (i32, i32),
    value: &[u8],
) -> Option<io::Result<()>> {
    ask(fd, |world, file| {
        if let (libc::SOL_SOCKET, libc::SO_LINGER, Some(stream)) = (level, name, world.stream(file))
        {
            let (on, seconds) = value.split_at(value.len() / 2);
            stream.abortive = on.iter().any(|&byte| byte > 0) && seconds.iter().all(|&b| b == 0);
        }
        Ok(())
    })
}

/// Pipes are not simulated.
pub(crate) fn pipe() -> Option<io::Error> {
    Machine::current().map(|_| io::Error::from_raw_os_error(libc::ENOSYS))
}
