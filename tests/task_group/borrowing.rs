//! Children borrow what outlives the group, and nothing else compiles.

use std::cell::{Cell, RefCell};

use ringio::{GroupError, Until, run, spawn, task_group, wait, yield_now};

#[test]
fn children_borrow_mutably_and_the_lender_has_it_back() {
    run(async {
        let mut slots = vec![0; 100];
        let total = Cell::new(0);
        let ended: Result<(), GroupError<()>> = task_group(async |group| {
            for (nth, slot) in slots.iter_mut().enumerate() {
                let total = &total;
                group.spawn(async move {
                    yield_now().await;
                    *slot = nth;
                    total.set(total.get() + nth);
                    Ok(())
                });
            }
            Ok(())
        })
        .await;
        assert_eq!((ended, total.get()), (Ok(()), 4950));
        slots.push(100);
        assert!(slots.into_iter().eq(0..=100));
    });
}

#[test]
fn handles_give_borrowed_values() {
    run(async {
        let text = String::from("one two three");
        let words = task_group::<_, (), _>(async |group| {
            let children: Vec<_> = text
                .split(' ')
                .map(|word| {
                    group.spawn(async move {
                        yield_now().await;
                        Ok(word)
                    })
                })
                .collect();
            let mut words = Vec::new();
            for child in children {
                words.push(child.await.unwrap());
            }
            Ok(words)
        });
        assert_eq!(words.await.unwrap(), ["one", "two", "three"]);
    });
}

#[test]
fn a_handle_may_leave_the_group_within_what_it_borrows() {
    run(async {
        let value = 7;
        let kept = RefCell::new(None);
        task_group::<_, (), _>(async |group| {
            kept.replace(Some(group.spawn(async { Ok(&value) })));
            Ok(())
        })
        .await
        .unwrap();
        let child = kept.take().unwrap();
        assert!(child.is_finished() && !child.cancel());
        assert_eq!(child.await.unwrap(), &7);
    });
}

#[test]
fn tasks_of_the_loop_run_beside_it() {
    run(async {
        let tasks = (0..3).map(|nth| spawn(async move { nth }));
        let waited = task_group::<_, (), _>(async |group| {
            let waiting = wait(tasks, Until::AllCompleted, None);
            Ok(group.spawn(async { Ok(waiting.await.done.len()) }).await.unwrap())
        });
        assert_eq!(waited.await, Ok(3));
    });
}

#[test]
fn what_ends_before_the_group_cannot_be_borrowed() {
    trybuild::TestCases::new().compile_fail("tests/task_group/compile_fail/*.rs");
}
