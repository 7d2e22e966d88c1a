//! The quarantine itself: a stray write of any kind ends the program, with its address, size and
//! offset. Each in a child process.
//!
//! # Safety
//! Each `stray` function breaks the rules on purpose, in a program of its own.

#![allow(unsafe_code, reason = "makes stray writes")]

use std::io::Write;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::process::Stdio;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use ringio::buf::{IoBuf, IoBufMut};

use super::quarantine::{HOLD, inspect};
use crate::child::{command, in_child, is_child};
use crate::support::*;

const CASE: &str = "RINGIO_STRAY";

/// The kernel writes five bytes by read(2).
fn kernel_writes(address: *mut u8) {
    let (from, to) = nix::unistd::pipe().unwrap();
    nix::unistd::write(&to, b"stray").unwrap();
    // SAFETY: a stray write, into memory that the quarantine keeps mapped.
    let count = unsafe { libc::read(from.as_raw_fd(), address.cast(), 5) };
    assert_eq!(count, 5);
}

fn into_a_freed_block() {
    let mut block = vec![0u8; 4096];
    let address = block.as_mut_ptr();
    println!("{address:p}");
    drop(block);
    kernel_writes(address.wrapping_add(100));
    inspect();
}

/// Nobody looks, but the block is released some time.
fn found_at_release() {
    let mut block = vec![0u8; 4096];
    let address = block.as_mut_ptr();
    println!("{address:p}");
    drop(block);
    kernel_writes(address.wrapping_add(100));
    drop(vec![0u8; 2 * HOLD]);
    drop(vec![0u8; 1]);
}

fn into_a_block_that_grew() {
    let mut block: Vec<u8> = Vec::with_capacity(4096);
    let address = block.as_mut_ptr();
    println!("{address:p}");
    block.reserve_exact(5000);
    kernel_writes(address.wrapping_add(100));
    inspect();
}

/// The last byte of a large block that is held although it is more than is held at least.
fn into_a_large_block() {
    let mut block = vec![0u8; 2 * HOLD];
    let address = block.as_mut_ptr();
    println!("{address:p}");
    drop(block);
    kernel_writes(address.wrapping_add(2 * HOLD - 5));
    inspect();
}

fn into_a_mapping() {
    let length = NonZeroUsize::new(8192).unwrap();
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh mapping.
    let memory = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE) }.unwrap();
    println!("{memory:p}");
    // SAFETY: all of it, which nobody uses yet.
    unsafe { munmap(memory, length.get()) }.unwrap();
    kernel_writes(memory.as_ptr().cast::<u8>().wrapping_add(100));
    inspect();
}

/// A buffer whose memory can be freed while the kernel has it.
struct Liar(*mut u8);

// SAFETY: none: it is a lie.
unsafe impl IoBuf for Liar {
    fn as_ptr(&self) -> *const u8 {
        self.0
    }
    fn len(&self) -> usize {
        4096
    }
}

// SAFETY: none: it is a lie.
unsafe impl IoBufMut for Liar {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0
    }
    fn capacity(&self) -> usize {
        4096
    }
    unsafe fn set_len(&mut self, _: usize) {}
}

/// A receive of a ring into memory that was freed while it was in flight.
fn by_a_ring() {
    ringio::run(async {
        let (mut stream, mut peer) = pair();
        let mut memory = vec![0u8; 4096];
        let address = memory.as_mut_ptr();
        println!("{address:p}");
        let mut read = Box::pin(stream.read(Liar(address)));
        assert!(poll_once(&mut read).await.is_pending());
        settle().await;
        drop(memory);
        peer.write_all(b"stray").unwrap();
        assert_eq!(read.await.0.unwrap(), 5);
        inspect();
    });
}

/// Name, what it does, size of the block, offset of the write.
type Case = (&'static str, fn(), usize, usize);

const CASES: &[Case] = &[
    ("block", into_a_freed_block, 4096, 100),
    ("release", found_at_release, 4096, 100),
    ("grown", into_a_block_that_grew, 4096, 100),
    ("large", into_a_large_block, 2 * HOLD, 2 * HOLD - 5),
    ("mapping", into_a_mapping, 8192, 100),
    ("ring", by_a_ring, 4096, 0),
];

#[test]
fn a_stray_write_ends_the_program() {
    if let Ok(name) = std::env::var(CASE) {
        let (_, stray, ..) = CASES.iter().find(|case| case.0 == name).unwrap();
        stray();
        return;
    }
    for (name, _, size, offset) in CASES {
        let mut command = command("memory::proof::a_stray_write_ends_the_program");
        let output = command.env(CASE, name).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(101), "{name}: {text}\n{errors}");
        let address = text.split_whitespace().find(|word| word.starts_with("0x")).unwrap();
        let told = format!(
            "at {address} of {size} bytes: 5 bytes wrong at offsets {offset}..={}, \
             beginning [73, 74, 72, 61]",
            offset + 4
        );
        assert!(errors.contains(&told), "{name}: {errors}\n{told}");
    }
}

/// Without a stray write it holds its bytes, and says nothing.
#[test]
fn what_is_freed_is_held() {
    let name = "memory::proof::what_is_freed_is_held";
    let text = in_child(name, || {
        for _ in 0..3 {
            for size in 1..2000 {
                drop(vec![0u8; size * 7]);
            }
            drop(vec![0u8; 2 * HOLD]);
            println!("\nheld {}", inspect());
        }
    });
    if is_child() {
        return;
    }
    let text = text.unwrap();
    let held = text.lines().filter_map(|line| line.strip_prefix("held "));
    let held: Vec<usize> = held.map(|bytes| bytes.parse().unwrap()).collect();
    assert!(held.len() == 3 && held.iter().all(|bytes| *bytes >= HOLD), "{held:?}");
}
