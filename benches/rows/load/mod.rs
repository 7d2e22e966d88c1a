//! What is put on the servers. It is neither ringio nor tokio but plain loops on one thread, the
//! same for both, and as cheap as can be.

mod churn;
mod exchange;
mod hold;
mod pace;
mod poller;
mod stream;
mod target;
mod upstream;

pub(crate) use churn::Churn;
pub(crate) use exchange::Exchange;
pub(crate) use hold::Hold;
pub(crate) use pace::Pace;
pub(crate) use stream::Stream;
pub(crate) use upstream::Upstream;
