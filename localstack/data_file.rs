//! Whether a database file of the data folder can be used. What opens it later says so in words of its own.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode};

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFileError {
    /// What lies in it is no database any more.
    #[error(
        "{0} is damaged: put a copy of it from a backup in its place (docs/operations.md), or erase all data and \
         start afresh with --reset"
    )]
    Damaged(PathBuf),
    /// Another program writes in it.
    #[error("{0} is in use by another program: stop that one first")]
    InUse(PathBuf),
    /// The file system says no.
    #[error("{path} {problem}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do about it.
        problem: String,
    },
}

/// Looks whether a file, when it is there, is a database that can be written.
pub(crate) fn check(path: &Path) -> Result<(), DataFileError> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(DataFileError::Unusable { path: path.to_owned(), problem: problem(&error) });
        }
    }
    let read = |file: Connection| file.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()));
    Connection::open(path).and_then(read).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DataFileError::InUse(path.to_owned()),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => DataFileError::Damaged(path.to_owned()),
        _ => DataFileError::Unusable { path: path.to_owned(), problem: format!("cannot be opened: {error}") },
    })
}

/// What the file system has against it, to follow its name.
pub(crate) fn problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "may not be read and written by this user: give it to the user (chown), or choose another folder with \
             --data-dir"
                .into()
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "lies in a file system that is read-only: choose another folder with --data-dir".into()
        }
        io::ErrorKind::IsADirectory => "is a folder: move it away".into(),
        io::ErrorKind::NotADirectory => {
            "lies below something that is no folder: choose another with --data-dir".into()
        }
        io::ErrorKind::StorageFull => "cannot be written, as the disk is full".into(),
        _ => format!("cannot be used: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path) -> String {
        check(path).map_or_else(|error| error.to_string(), |()| "fine".into())
    }

    #[test]
    fn a_file_is_named_with_what_is_wrong_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        assert_eq!(told(&path), "fine", "not there yet");
        let file = Connection::open(&path).unwrap();
        file.execute_batch("CREATE TABLE t (v)").unwrap();
        assert_eq!(told(&path), "fine");

        file.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert!(told(&path).contains("x.sqlite is in use by another program"), "{}", told(&path));
        drop(file);

        std::fs::write(&path, "this was a database once, and is none any more".repeat(100)).unwrap();
        let damaged = told(&path);
        assert!(damaged.contains("x.sqlite is damaged") && damaged.contains("--reset"), "{damaged}");

        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(told(&path).ends_with("x.sqlite is a folder: move it away"), "{}", told(&path));
    }

    #[test]
    fn what_a_file_system_refuses_is_no_reason_to_erase_anything() {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        for kind in [PermissionDenied, ReadOnlyFilesystem, StorageFull] {
            let told = problem(&kind.into());
            assert!(!told.contains("reset") && !told.contains("cannot be used"), "{told}");
        }
    }
}
