//! A group stays on its loop's thread.

fn main() {
    ringio::run(async {
        let _ = ringio::task_group::<(), (), _>(async |group| {
            let group = group.clone();
            std::thread::spawn(move || group.cancel());
            Ok(())
        })
        .await;
    });
}
