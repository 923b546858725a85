//! Where the built programs are.

use std::path::PathBuf;

/// The program of this name, built in the same profile as the running test, or in the folder that
/// `KURIR_PROGRAMS` names.
///
/// # Panics
/// When it has not been built.
pub fn program(name: &str) -> PathBuf {
    let path = programs().join(name);
    assert!(
        path.exists(),
        "{} is not built: run tests/run, or cargo build --workspace first",
        path.display()
    );
    path
}

/// The folder of the programs.
pub fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("KURIR_PROGRAMS") {
        return std::path::absolute(folder).expect("KURIR_PROGRAMS names a folder");
    }
    let test = std::env::current_exe().expect("a running test has a path");
    test.ancestors().nth(2).expect("tests run from target/<profile>/deps").to_owned()
}
