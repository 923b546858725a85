//! The folder where the data of one local gateway lies.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::Mode, process::umask};
use serde::{Deserialize, Serialize};
use shared::{config::AwsConfig, crypto::MasterKey, secret::Secret};

use crate::data_file::{self, DataFileError};

/// A data folder in use by this process.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// What the first start made up, to be shown again by later ones. Only its owner can read the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    pub email: String,
    /// Absent when it was given by the environment.
    pub password: Option<Secret>,
    pub api_key: Secret,
}

/// A data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("another Kurir uses the data folder {0}: stop it, or choose another with --data-dir")]
    InUse(PathBuf),
    /// The file system says no.
    #[error("{path} {}", data_file::problem(source))]
    Io {
        /// What could not be read or written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The master key is gone, and what it sealed is not.
    #[error(
        "{path} is missing, but the data of this folder were sealed with it: put the key back into that file, or \
         give it in KURIR_MASTER_KEY; or erase the data and start afresh with --reset"
    )]
    KeyLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file that this version does not understand.
    #[error("{path} is damaged: {reason}; {way_out}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        way_out: &'static str,
    },
    /// A database that cannot be used.
    #[error(transparent)]
    File(#[from] DataFileError),
}

const DATABASE: &str = "dynamodb.sqlite";
const QUEUES: &str = "queues.sqlite";
const MASTER_KEY: &str = "master.key";
const CREDENTIALS: &str = "credentials.json";
const ENDPOINTS: &str = "endpoints.json";
const PHONES: &str = "whatsapp";

/// The files that SQLite reads and writes.
const DATABASES: [&str; 3] = [DATABASE, QUEUES, "whatsapp/whatsapp.sqlite3"];

/// All files that Kurir makes here.
const FILES: [&str; 9] = [
    DATABASE,
    "dynamodb.sqlite-wal",
    "dynamodb.sqlite-shm",
    QUEUES,
    "queues.sqlite-wal",
    "queues.sqlite-shm",
    MASTER_KEY,
    CREDENTIALS,
    ENDPOINTS,
];

impl DataDir {
    /// Takes the folder, making it when it is not there. From then on, nobody but the user of this process can
    /// read what is in it, or what this process makes anywhere: whoever reads the database reads the messages.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Io { path: path.to_owned(), source };
        umask(Mode::RWXG | Mode::RWXO);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        close_to_others(path)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Deletes what Kurir keeps here, and nothing else that may lie in the folder.
    pub fn reset(&self) -> Result<(), DataDirError> {
        for path in FILES.map(|name| self.path.join(name)) {
            ignore_missing(fs::remove_file(&path)).map_err(|source| DataDirError::Io { path, source })?;
        }
        let path = self.path.join(PHONES);
        ignore_missing(fs::remove_dir_all(&path)).map_err(|source| DataDirError::Io { path, source })
    }

    /// Looks whether the databases in it, as far as they are there, can be used.
    pub fn check(&self) -> Result<(), DataDirError> {
        for name in DATABASES {
            data_file::check(&self.path.join(name))?;
        }
        Ok(())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the embedded database.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The file of what must not be lost from the embedded queues.
    pub fn queues(&self) -> PathBuf {
        self.path.join(QUEUES)
    }

    /// The folder of the sandbox's phones.
    #[cfg(feature = "sandbox")]
    pub fn phones(&self) -> PathBuf {
        self.path.join(PHONES)
    }

    /// The file of the master key.
    pub fn master_key_file(&self) -> PathBuf {
        self.path.join(MASTER_KEY)
    }

    /// The file of what the first start made up.
    pub fn credentials_file(&self) -> PathBuf {
        self.path.join(CREDENTIALS)
    }

    /// The master key of this folder, made at the first start. To be asked before a database is made.
    pub fn master_key(&self) -> Result<MasterKey, DataDirError> {
        let path = self.master_key_file();
        match read(&path)? {
            Some(text) => MasterKey::from_base64(&text).map_err(|error| DataDirError::Damaged {
                path,
                reason: error.to_string(),
                way_out: "put the right key back into it, or give it in KURIR_MASTER_KEY; or erase the data and \
                          start afresh with --reset",
            }),
            None if self.database().exists() => Err(DataDirError::KeyLost { path }),
            None => {
                let key = MasterKey::generate();
                write(&path, key.to_base64().expose())?;
                Ok(key)
            }
        }
    }

    /// Tells other processes of this user where the embedded services listen and which key opens them, until the
    /// next start.
    pub fn tell_endpoints(&self, aws: &AwsConfig) -> Result<(), DataDirError> {
        let json = serde_json::json!({
            "dynamodb": aws.dynamodb_endpoint,
            "sqs": aws.sqs_endpoint,
            "accessKeyId": aws.local_key,
        });
        write(&self.path.join(ENDPOINTS), &json.to_string())
    }

    /// What an earlier start made up.
    pub fn credentials(&self) -> Result<Option<Credentials>, DataDirError> {
        let path = self.credentials_file();
        let Some(text) = read(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| DataDirError::Damaged {
            path,
            reason: error.to_string(),
            way_out: "delete it: the next start makes a new API key, and the password stays",
        })
    }

    /// Keeps what this start made up.
    pub fn keep(&self, credentials: &Credentials) -> Result<(), DataDirError> {
        let json = serde_json::to_string_pretty(credentials).unwrap_or_default();
        write(&self.credentials_file(), &json)
    }
}

/// Takes from others what an earlier version, or somebody's `chmod`, left them.
fn close_to_others(folder: &Path) -> Result<(), DataDirError> {
    let phones = folder.join(PHONES);
    let mut all = vec![(folder.to_owned(), 0o700), (phones.clone(), 0o700)];
    all.extend(FILES.map(|name| (folder.join(name), 0o600)));
    let of_phones = fs::read_dir(&phones).into_iter().flatten().flatten();
    all.extend(of_phones.map(|file| (file.path(), 0o600)));
    for (path, mode) in all {
        let closed = ignore_missing(fs::set_permissions(&path, fs::Permissions::from_mode(mode)));
        closed.map_err(|source| DataDirError::Io { path, source })?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<String>, DataDirError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DataDirError::Io { path: path.to_owned(), source }),
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), DataDirError> {
    let failed = |source| DataDirError::Io { path: path.to_owned(), source };
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
