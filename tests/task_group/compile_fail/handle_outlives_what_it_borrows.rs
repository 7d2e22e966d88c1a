//! A child's handle cannot leave the scope of what the child borrows.

fn main() {
    ringio::run(async {
        let mut kept = None;
        {
            let local = 7;
            let _ = ringio::task_group::<(), (), _>(async |group| {
                kept = Some(group.spawn(async { Ok(local + 1) }));
                Ok(())
            })
            .await;
        }
        kept.unwrap().await.unwrap();
    });
}
