//! The io_uring_register(2) calls that the io-uring crate does not have.
//!
//! # Safety
//! Every argument is a local value whose layout is the kernel's and which outlives the call.
#![allow(unsafe_code, reason = "a system call with pointers")]

use std::mem::size_of;
use std::ptr::from_mut;

/// `IORING_REGISTER_QUERY`.
const QUERY: libc::c_uint = 35;

/// `struct io_uring_query_hdr`.
#[repr(C)]
#[derive(Default)]
struct QueryHeader {
    next_entry: u64,
    query_data: u64,
    query_op: u32,
    size: u32,
    result: i32,
    reserved: [u32; 3],
}

/// `struct io_uring_query_opcode`, as of 6.18.
#[repr(C)]
#[derive(Default)]
struct QueryOpcodes {
    request_opcodes: u32,
    register_opcodes: u32,
    features: u64,
    setup_flags: u64,
    enter_flags: u64,
    sqe_flags: u64,
}

/// Whether the kernel can be asked for its abilities without a ring.
pub(crate) fn query_is_known() -> bool {
    let mut answer = QueryOpcodes::default();
    let mut header = QueryHeader {
        query_data: from_mut(&mut answer) as u64,
        size: size_of::<QueryOpcodes>() as u32,
        ..QueryHeader::default()
    };
    let (call, header_address) = (libc::SYS_io_uring_register, from_mut(&mut header));
    // SAFETY: -1 asks without a ring; the kernel reads and writes the header and, within `size`,
    // the answer, both of which live until the call is over. Kernels that do not know the call
    // refuse it without looking at the pointer.
    let outcome = unsafe { libc::syscall(call, -1, QUERY, header_address, 0) };
    outcome == 0 && header.result == 0 && answer.request_opcodes > 0
}
