//! `join!` and `try_join!`: a known number of futures at once.

/// Awaits several futures at once and gives their outputs as a tuple.
///
/// They run in the caller's task, one beside the other, and may borrow from it. Each poll begins
/// with another of them, and those that have ended are dropped and not polled again. Nothing is
/// allocated. For any number of futures, or thousands, use [`gather`](crate::gather). At most 32.
///
/// ```
/// ringio::run(async {
///     let text = String::from("four");
///     let (len, sum) = ringio::join!(async { text.len() }, async { 2 + 2 });
///     assert_eq!(len, sum);
/// });
/// ```
///
/// # Cancel safety
/// Dropping it drops the futures; what that loses is their matter.
#[doc(alias = "gather")]
#[macro_export]
macro_rules! join {
    (@number [$(($i:tt $f:expr))+] [$($more:tt)*]) => {{
        let mut branches = ($(::core::pin::pin!($crate::__macros::Joined::new($f)),)+);
        ::core::future::poll_fn(|cx| {
            const COUNT: u32 = [$($i),+].len() as u32;
            let first = $crate::__macros::first_of(COUNT);
            let mut ended = true;
            for turn in first..first + COUNT {
                match $crate::__macros::wrapped(turn, COUNT) {
                    $($i => ended &= branches.$i.as_mut().poll(cx),)+
                    _ => ::core::unreachable!(),
                }
            }
            if ended {
                ::core::task::Poll::Ready(())
            } else {
                ::core::task::Poll::Pending
            }
        })
        .await;
        ($(branches.$i.as_mut().take(),)+)
    }};
    (@number [$($done:tt)*] [$i:tt $($more:tt)*] $f:expr, $($rest:tt)*) => {
        $crate::join!(@number [$($done)* ($i $f)] [$($more)*] $($rest)*)
    };
    ($($f:expr),+ $(,)?) => {
        $crate::join!(@number [] [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
            24 25 26 27 28 29 30 31] $($f,)+)
    };
}

/// Awaits several futures at once until all have given `Ok`, or one an `Err`.
///
/// As [`join!`](crate::join), for futures of a `Result` with the same error: the first error is given
/// at once, and the other futures are dropped. (asyncio's `gather` lets them go on; a future that
/// nobody awaits does not run, so here they end. Spawn what has to go on.)
///
/// ```
/// use std::num::ParseIntError;
///
/// ringio::run(async {
///     let parse = async |text: &str| text.parse::<u8>();
///     assert_eq!(ringio::try_join!(parse("1"), parse("2")), Ok((1, 2)));
///     let failed: Result<_, ParseIntError> = ringio::try_join!(parse("one"), std::future::pending::<Result<(), _>>());
///     assert!(failed.is_err());
/// });
/// ```
///
/// # Cancel safety
/// Dropping it drops the futures; what that loses is their matter.
#[doc(alias = "gather")]
#[macro_export]
macro_rules! try_join {
    (@number [$(($i:tt $f:expr))+] [$($more:tt)*]) => {{
        let mut branches = ($(::core::pin::pin!($crate::__macros::Joined::new($f)),)+);
        let result = ::core::future::poll_fn(|cx| {
            const COUNT: u32 = [$($i),+].len() as u32;
            let first = $crate::__macros::first_of(COUNT);
            let mut ended = true;
            for turn in first..first + COUNT {
                match $crate::__macros::wrapped(turn, COUNT) {
                    $($i => match branches.$i.as_mut().try_poll(cx) {
                        ::core::result::Result::Ok(has) => ended &= has,
                        ::core::result::Result::Err(error) => {
                            return ::core::task::Poll::Ready(::core::result::Result::Err(error));
                        }
                    },)+
                    _ => ::core::unreachable!(),
                }
            }
            if ended {
                ::core::task::Poll::Ready(::core::result::Result::Ok(()))
            } else {
                ::core::task::Poll::Pending
            }
        })
        .await;
        match result {
            ::core::result::Result::Ok(()) => {
                ::core::result::Result::Ok(($(branches.$i.as_mut().take_ok(),)+))
            }
            ::core::result::Result::Err(error) => ::core::result::Result::Err(error),
        }
    }};
    (@number [$($done:tt)*] [$i:tt $($more:tt)*] $f:expr, $($rest:tt)*) => {
        $crate::try_join!(@number [$($done)* ($i $f)] [$($more)*] $($rest)*)
    };
    ($($f:expr),+ $(,)?) => {
        $crate::try_join!(@number [] [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23
            24 25 26 27 28 29 30 31] $($f,)+)
    };
}
