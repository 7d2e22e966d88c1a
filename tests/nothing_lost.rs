//! Reads, accepts and writes that end early, a hundred thousand times, at the moment when data or
//! a connection arrives: nothing is lost, nothing comes twice, nothing is torn, and no descriptor
//! stays behind. With `RINGIO_LONG=1` ten times as many.

mod nothing_lost {
    mod accepting;
    mod fickle;
    mod letters;
    mod reading;
    mod senders;
    mod writing;
}
mod support;
