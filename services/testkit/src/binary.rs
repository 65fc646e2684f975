use std::path::PathBuf;
use std::sync::LazyLock;

/// Names the program under test; without it the one beside the test's own program is taken.
const VARIABLE: &str = "NRWDIREKT_TEST_BINARY";

/// The program under test.
///
/// # Panics
/// When it is not there.
pub(crate) fn path() -> PathBuf {
    static PATH: LazyLock<PathBuf> = LazyLock::new(find);
    PATH.clone()
}

fn find() -> PathBuf {
    let path = match std::env::var_os(VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => beside_the_test(),
    };
    assert!(
        path.is_file(),
        "the program under test is not at {}: build it with `cargo build -p nrwdirekt`, or name it in {VARIABLE}",
        path.display()
    );
    path
}

/// Tests lie in `target/debug/deps`, the program in `target/debug`.
fn beside_the_test() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests are built into a folder of their own");
    folder.join("nrwdirekt")
}
