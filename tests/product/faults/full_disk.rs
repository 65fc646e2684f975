//! A disk without room: refused while there is none, taken again when there is some, and nothing acknowledged lost.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use testkit::{Backend, Builder, TestNode, eventually, reports};
use tonic::{Code, Status};

use super::load::Load;
use crate::figures;

/// Starts the node with a small file system of its own for its data, which ends with it.
const ON_A_SMALL_DISK: &str =
    r#"mkdir -p "$HOME/data" && mount -t tmpfs -o size=48m tmpfs "$HOME/data" && exec "$@""#;
/// Starts the node so that a file at its limit is an error, and not the end.
const WITH_LIMITED_FILES: &str = r#"trap "" XFSZ && exec "$@""#;

/// Sends until it is refused, remembering the receipts. There is some room in every file that is there already.
async fn load_until_refused(load: &mut Load, node: &TestNode) -> Status {
    let refused = load
        .send(node.connection())
        .await
        .expect_err("the disk is full before the load is done");
    let again = load.send(node.connection()).await.expect_err("it stays full");
    assert_eq!(again.code(), refused.code(), "{again}");
    refused
}

/// What must hold whatever filled the disk.
async fn check(mut node: TestNode, fill: impl AsyncFn(&TestNode), make_room: impl AsyncFn(&TestNode)) {
    let mut load = Load::of(400);
    fill(&node).await;
    let refused = load_until_refused(&mut load, &node).await;
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert_eq!(node.get("/healthz", None).await.status, 200, "the node lives on");
    let before = load.acknowledged();

    make_room(&node).await;
    let batch = reports::batch(9_999, reports::calls(0, 1));
    eventually("batches to be taken again", async || {
        node.intake().submit_reports(batch.clone()).await.ok()
    })
    .await;
    load.check_counted(&node).await;
    let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
    assert!(
        figures::total(&totals).answered >= before,
        "nothing acknowledged is lost"
    );
    while !load.is_done() {
        load.send(node.connection()).await.expect("there is room");
    }
    load.check_complete(&node).await;
    node.stop().await;
}

/// The words before the script, if this machine lets a process have file systems of its own.
fn private_mounts() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [
        &["unshare", "--mount"],
        &["unshare", "--user", "--map-root-user", "--mount"],
    ];
    ways.into_iter().find(|way| {
        let script = "mount -t tmpfs -o size=1m tmpfs /mnt";
        let tried = Command::new(way[0])
            .args(&way[1..])
            .args(["sh", "-c", script])
            .output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// A file in the node's data folder, as the node sees it.
fn filler(node: &TestNode) -> PathBuf {
    let root = format!("/proc/{}/root", node.pid().as_raw_nonzero());
    PathBuf::from(format!("{root}{}/filler", node.data().display()))
}

#[tokio::test]
async fn a_full_disk_is_refused_and_works_again_when_there_is_room() {
    let Some(way) = private_mounts() else {
        eprintln!(
            "left out: this machine lets no process mount; files that may not grow are tried beside this"
        );
        return;
    };
    let launcher = [way, &["sh", "-c", ON_A_SMALL_DISK, "sh"]].concat();
    let node = Builder::on(Backend::Embedded)
        .launched_by(&launcher)
        .start()
        .await;
    let fill = async |node: &TestNode| {
        let mut file = File::create(filler(node)).expect("a file on the small disk");
        while file.write_all(&[0; 4096]).is_ok() {}
    };
    let make_room = async |node: &TestNode| std::fs::remove_file(filler(node)).expect("the filler is there");
    check(node, fill, make_room).await;
}

#[tokio::test]
async fn files_that_may_not_grow_are_refused_and_work_again_when_they_may() {
    let launcher = ["sh", "-c", WITH_LIMITED_FILES, "sh"];
    let node = Builder::on(Backend::Embedded)
        .launched_by(&launcher)
        .start()
        .await;
    let fill = async |node: &TestNode| node.limit_file_size(Some(1_000_000));
    let make_room = async |node: &TestNode| node.limit_file_size(None);
    check(node, fill, make_room).await;
}
