//! Neither can a clone of the group, through which more could be spawned.

fn main() {
    ringio::run(async {
        let mut kept = None;
        {
            let local = 7;
            let _ = ringio::task_group::<(), (), _>(async |group| {
                group.spawn(async { Ok(local + 1) });
                kept = Some(group.clone());
                Ok(())
            })
            .await;
        }
        kept.unwrap().cancel();
    });
}
