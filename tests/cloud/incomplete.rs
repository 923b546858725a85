//! What a run lacks: said where `tests/run` gathers it, so that it is not green by silence.

use std::io::Write;

/// Marks the run as incomplete. Without a place to say so, the test fails.
///
/// # Panics
/// When `KURIR_INCOMPLETE_FILE` does not name a file that can be written to.
pub fn incomplete(why: &str) {
    let what = format!("the Lambda lane (tests/cloud) did not run: {why}");
    eprintln!("\n!! INCOMPLETE: {what}\n");
    let Some(file) = std::env::var_os("KURIR_INCOMPLETE_FILE") else {
        panic!(
            "{what}. Run tests/run, which says so in its summary; or name a file in KURIR_INCOMPLETE_FILE"
        );
    };
    let file = std::fs::File::options().create(true).append(true).open(file);
    writeln!(file.expect("KURIR_INCOMPLETE_FILE can be written to"), "{what}").expect("it is written");
}
