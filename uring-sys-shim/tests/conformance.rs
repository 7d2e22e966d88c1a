//! What the driver relies on, fact by fact: each is one test, which runs on the kernel's ring and
//! on many simulated ones. It keeps the simulated kernel honest: what it does a kernel may do.
//!
//! The facts are those of `sqe`'s operations that the driver uses, and of no others. A fact that
//! needs an ability which the ring lacks, by `RINGIO_CAPS` or by the kernel, is skipped with a note.

mod conformance {
    pub(super) mod bench;
    pub(super) mod buffers;
    pub(super) mod bulk;
    pub(super) mod cancel;
    pub(super) mod connections;
    pub(super) mod events;
    pub(super) mod memory;
    pub(super) mod queue;
    pub(super) mod receive;
    pub(super) mod running;
    pub(super) mod send;
    pub(super) mod shortage;
    pub(super) mod sockets;

    mod the_simulated_kernel_notices;
}

use conformance::*;

/// Makes of each fact a test on the kernel and a test on simulated ones. `when` says on which of
/// these it holds (a variant of `Holds`; always, if nothing is said), `needs` what the ring must be
/// able to do.
macro_rules! facts {
    ($($part:ident { $($fact:ident $(when $holds:ident)? $(needs $cap:ident)?;)* })*) => {
        mod on_the_kernel {
            $($(
                #[test]
                fn $fact() {
                    let name = concat!("on_the_kernel::", stringify!($fact));
                    facts!(@run on_the_kernel, name, $part $fact, ($($holds)?), ($($cap)?));
                }
            )*)*
        }

        mod on_the_simulated_one {
            $($(
                #[test]
                fn $fact() {
                    let name = concat!("on_the_simulated_one::", stringify!($fact));
                    facts!(@run on_the_simulated_one, name, $part $fact, ($($holds)?), ($($cap)?));
                }
            )*)*
        }
    };
    (@run $runner:ident, $name:ident, $part:ident $fact:ident, $holds:tt, $cap:tt) => {
        super::running::$runner($name, super::$part::$fact, facts!(@cap $cap), facts!(@holds $holds))
    };
    (@holds ()) => { super::running::Holds::Always };
    (@holds ($holds:ident)) => { super::running::Holds::$holds };
    (@cap ()) => { uring_sys_shim::Caps::empty() };
    (@cap ($cap:ident)) => { uring_sys_shim::Caps::$cap };
}

facts! {
    queue {
        a_completion_carries_the_name_of_its_operation;
        what_ends_at_once_completes_in_order_while_it_is_submitted;
        a_full_queue_takes_nothing_and_loses_nothing;
        submitting_runs_no_task_work_and_the_flag_tells_of_it when OnKindKernels;
        task_work_runs_when_the_flag_is_answered;
        a_wait_ends_with_the_first_completion;
        polling_does_not_wait;
        a_refused_operation_stops_none_behind_it;
        a_message_to_no_ring_is_refused needs MSG_RING;
        a_wait_ends_at_its_deadline_and_not_before when OnKindKernels;
        a_past_deadline_submits_and_returns when OnKindKernels;
        an_overflow_loses_nothing_and_keeps_the_order;
        an_overflow_is_flushed_by_an_enter_and_by_nothing_else when OnKindKernels;
        an_overflow_ends_a_multishot when OnKindKernels;
        an_overflow_loses_no_byte_of_a_multishot;
    }
    cancel {
        a_cancel_ends_its_target_alone_and_is_silent;
        a_cancel_that_misses_says_so;
        a_cancel_in_the_same_batch_hits;
        cancelling_twice_ends_once;
        cancelling_all_ends_each;
        cancelling_all_of_nothing_is_silent;
        a_cancelled_receive_loses_no_byte;
        a_cancelled_multishot_loses_no_byte;
        a_cancelled_send_says_how_much_it_has_sent;
        a_cancelled_accept_loses_no_connection;
        a_cancelled_connect_is_over_when_its_socket_is_closed;
    }
    receive {
        bytes_come_once_and_in_order;
        a_receive_parks_until_bytes_come;
        the_end_is_nothing_without_a_buffer_behind_all_bytes;
        a_reset_is_told_behind_what_was_received;
        a_reset_ends_the_receive_in_flight;
        shutting_down_reading_ends_the_receive_in_flight;
        a_dry_group_says_so_at_once;
        a_group_that_is_gone_is_dry;
        a_group_is_registered_once_at_a_time;
        an_armed_multishot_sees_what_is_published when OnKindKernels;
        buffers_are_used_in_the_order_of_the_ring;
        an_incremental_buffer_is_used_from_its_start_to_its_end needs INCREMENTAL;
        an_incremental_buffer_is_shared_by_operations when OnKindKernels needs INCREMENTAL;
        a_multishot_is_in_order_and_says_when_it_ends;
        a_group_that_runs_dry_ends_a_multishot_and_loses_nothing;
        a_multishot_ends_when_it_has_reached_its_total when OnKindKernels needs RECV_CAPS;
        a_total_is_exceeded_by_less_than_one_buffer needs RECV_CAPS;
        a_length_limits_a_receive_into_a_group;
    }
    send {
        a_waitall_send_is_whole_though_the_reader_is_slow when OnKindKernels;
        a_send_says_how_much_it_has_sent;
        a_message_sends_its_slices_in_order;
        a_vectored_send_sends_its_slices_in_order needs SEND_VECTORIZED;
        a_long_message_is_whole when OnKindKernels;
        a_long_vectored_send_is_whole when OnKindKernels needs SEND_VECTORIZED;
        addresses_and_slices_are_read_at_submission;
        a_send_to_nobody_fails;
        a_reset_ends_the_send_in_flight;
        shutting_down_writing_is_the_end_behind_the_last_byte;
        closing_is_the_end_behind_the_last_byte;
        closing_with_bytes_unread_is_a_reset;
        closing_without_lingering_is_a_reset;
        a_reset_behind_the_end_does_not_concern_the_reader;
        a_broken_connection_is_not_connected;
        a_silent_close_closes;
    }
    connections {
        both_ends_know_each_other;
        an_accept_says_whose_the_connection_is;
        one_that_was_reset_in_the_backlog_comes_with_its_address;
        connecting_to_nobody_is_refused;
        accepts_in_flight_have_a_connection_each;
        connections_wait_in_the_backlog;
        a_multishot_accepts_in_order;
        an_accept_without_a_descriptor_loses_no_connection when WithoutDescriptors;
        a_connection_that_ended_in_the_backlog_has_its_bytes;
        a_connection_that_was_reset_in_the_backlog_says_so;
        a_closed_listener_leaves_nothing;
        a_listener_whose_accepts_have_ended_is_closed_at_once;
        a_taken_address_is_refused;
        an_option_is_set_by_an_operation needs SOCKET_OPTION;
    }
    events {
        each_write_is_an_edge_without_a_read when OnKindKernels;
        a_poll_that_is_armed_late_finds_the_write;
        no_write_is_without_an_edge;
        a_full_counter_has_its_edge;
    }
}

/// The simulated kernel takes the first for a mistake, and has no pipes.
mod on_the_kernel_only {
    use super::{bulk, cancel};

    #[test]
    fn closing_ends_no_operation_and_no_connection() {
        cancel::closing_ends_no_operation_and_no_connection();
    }

    #[test]
    fn what_is_parked_outlives_a_moment_without_blocking() {
        bulk::what_is_parked_outlives_a_moment_without_blocking();
    }

    #[test]
    fn receives_and_sends_park_on_a_socket_that_does_not_block() {
        bulk::receives_and_sends_park_on_a_socket_that_does_not_block();
    }

    #[test]
    fn a_poll_of_a_socket_parks_until_it_is_ready() {
        bulk::a_poll_of_a_socket_parks_until_it_is_ready();
    }

    #[test]
    fn bytes_go_through_a_pipe_in_order() {
        bulk::bytes_go_through_a_pipe_in_order();
    }

    #[test]
    fn a_socket_without_room_leaves_the_rest_in_the_pipe() {
        bulk::a_socket_without_room_leaves_the_rest_in_the_pipe();
    }
}
