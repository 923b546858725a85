//! Where the built programs are.

use std::path::PathBuf;

/// The program of this name, built in the same profile as the running test.
///
/// # Panics
/// When it has not been built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let folder = test.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run tests/run, or cargo build --workspace first",
        path.display()
    );
    path
}
