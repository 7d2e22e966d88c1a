//! A child may outlive the body, so it cannot borrow from it.

fn main() {
    ringio::run(async {
        let _ = ringio::task_group::<(), (), _>(async |group| {
            let local = String::from("of the body");
            group.spawn(async { Ok(local.len()) });
            Ok(())
        })
        .await;
    });
}
