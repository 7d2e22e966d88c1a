//! Two children cannot both have it.

fn main() {
    ringio::run(async {
        let mut count = 0;
        let _ = ringio::task_group::<(), (), _>(async |group| {
            let lent = &mut count;
            for _ in 0..2 {
                group.spawn(async {
                    *lent += 1;
                    Ok(())
                });
            }
            Ok(())
        })
        .await;
    });
}
