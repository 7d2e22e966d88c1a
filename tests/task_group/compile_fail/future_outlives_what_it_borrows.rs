//! The group's future cannot leave the scope of what its children borrow.

fn main() {
    ringio::run(async {
        let group = {
            let local = String::from("of a block");
            let lent = &local;
            ringio::task_group::<(), (), _>(async move |group| {
                group.spawn(async move { Ok(lent.len()) });
                Ok(())
            })
        };
        let _ = group.await;
    });
}
