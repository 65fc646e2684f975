use super::*;

/// Two files that are written one after the other: the second never has more rows than the first.
fn writing(folder: &Path) -> (Connection, Connection) {
    let file = |name: &str| {
        let connection = Connection::open(folder.join(name)).expect("a file");
        connection.busy_timeout(PATIENCE).expect("set");
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER);")
            .expect("a table");
        connection
    };
    (file("first.db"), file("second.db"))
}

#[test]
fn all_files_are_of_one_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = writing(folder.path());
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                first.execute("INSERT INTO t VALUES (1)", []).expect("written");
                second.execute("INSERT INTO t VALUES (1)", []).expect("written");
            }
        });
        for number in 0..20 {
            // The other order than that of the writer: it would show what was written in between.
            let snapshots = take(folder.path(), &["second.db", "first.db", "missing.db"]).expect("snapshots");
            let rows: Vec<i64> = snapshots
                .iter()
                .map(|snapshot| snapshot.rows().expect("rows")["t"])
                .collect();
            let [second, first] = rows[..] else {
                panic!("two files: {rows:?}");
            };
            assert!((first - 1..=first).contains(&second), "{first} and {second}");
            let copy = folder.path().join(format!("copy-{number}"));
            snapshots[0].copy_to(&copy).expect("copied");
            assert_eq!(check(&copy).expect("in order").rows["t"], second);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
