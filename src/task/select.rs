//! `select!`: the first of several futures.

/// Awaits several futures at once until one of them is ready, drops the others, and goes on with
/// what that one's branch says.
///
/// Each branch is `pattern = future => expression`. The futures run in the caller's task and may
/// borrow from it; a future that is to be awaited further is given as `&mut future`. Each poll
/// begins with a branch picked by chance, so that none starves; after `biased;` it begins with
/// the first one and goes in the order written. Nothing is allocated. The expressions may
/// `return`, `break` and use `?`; when one runs all the futures have been dropped. A pattern must
/// match whatever its future gives. At most 32 branches.
///
/// ```
/// use ringio::time::sleep;
/// use std::time::Duration;
///
/// ringio::run(async {
///     let mut work = std::pin::pin!(async {
///         sleep(Duration::from_millis(3)).await;
///         6 * 7
///     });
///     let mut ticks = 0;
///     let answer = loop {
///         ringio::select! {
///             answer = &mut work => break answer,
///             () = sleep(Duration::from_millis(1)) => ticks += 1,
///         }
///     };
///     assert_eq!(answer, 42);
///     let late = ringio::select! {
///         biased;
///         () = std::future::ready(()) => false,
///         () = std::future::ready(()) => true,
///     };
///     assert!(!late);
/// });
/// ```
///
/// # Cancel safety
/// What a dropped future loses is its own matter: nothing, for ringio's own. Work that must not
/// begin anew goes into the next turn of a loop as `&mut future`.
#[doc(alias = "FIRST_COMPLETED")]
#[macro_export]
macro_rules! select {
    (@number $first:tt [$(($i:tt $p:pat, $f:expr, $b:expr))+] [$($more:tt)*]) => {{
        let mut outputs = ($($crate::__macros::none($i),)+);
        let winner = {
            let mut futures = ($(::core::pin::pin!(
                ::core::future::IntoFuture::into_future($f)
            ),)+);
            let winner = ::core::future::poll_fn(|cx| {
                const COUNT: u32 = [$($i),+].len() as u32;
                let first = $crate::select!(@$first COUNT);
                for turn in first..first + COUNT {
                    match $crate::__macros::wrapped(turn, COUNT) {
                        $($i => {
                            let polled = ::core::future::Future::poll(futures.$i.as_mut(), cx);
                            if let ::core::task::Poll::Ready(output) = polled {
                                outputs.$i = ::core::option::Option::Some(output);
                                return ::core::task::Poll::Ready($i);
                            }
                        })+
                        _ => ::core::unreachable!(),
                    }
                }
                ::core::task::Poll::<u32>::Pending
            })
            .await;
            winner
        };
        match winner {
            $($i => {
                let $p = $crate::__macros::won(outputs.$i);
                $b
            })+
            _ => ::core::unreachable!(),
        }
    }};
    (@any $count:ident) => { $crate::__macros::first_of($count) };
    (@biased $count:ident) => { 0 };
    (@number $first:tt [$($done:tt)*] [$i:tt $($more:tt)*]
        $p:pat = $f:expr => $b:block, $($rest:tt)*) => {
        $crate::select!(@number $first [$($done)* ($i $p, $f, $b)] [$($more)*] $($rest)*)
    };
    (@number $first:tt [$($done:tt)*] [$i:tt $($more:tt)*]
        $p:pat = $f:expr => $b:block $($rest:tt)*) => {
        $crate::select!(@number $first [$($done)* ($i $p, $f, $b)] [$($more)*] $($rest)*)
    };
    (@number $first:tt [$($done:tt)*] [$i:tt $($more:tt)*]
        $p:pat = $f:expr => $b:expr, $($rest:tt)*) => {
        $crate::select!(@number $first [$($done)* ($i $p, $f, $b)] [$($more)*] $($rest)*)
    };
    (@number $first:tt [$($done:tt)*] [$i:tt $($more:tt)*] $p:pat = $f:expr => $b:expr) => {
        $crate::select!(@number $first [$($done)* ($i $p, $f, $b)] [$($more)*])
    };
    (biased; $($branches:tt)+) => {
        $crate::select!(@number biased [] [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
            22 23 24 25 26 27 28 29 30 31] $($branches)+)
    };
    ($($branches:tt)+) => {
        $crate::select!(@number any [] [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21
            22 23 24 25 26 27 28 29 30 31] $($branches)+)
    };
}
