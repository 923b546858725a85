//! What the lane needs on this machine.

use std::path::{Path, PathBuf};

/// Programs and folders.
pub struct Tools {
    pub terraform: PathBuf,
    /// Where Terraform finds its providers; `None` lets it fetch them.
    pub mirror: Option<PathBuf>,
    pub python: PathBuf,
    pub ministack: PathBuf,
}

impl Tools {
    /// Looks for all of them.
    ///
    /// # Errors
    /// What is not there.
    pub fn find() -> Result<Self, String> {
        let terraform = on_path("terraform").ok_or("terraform is not on the PATH")?;
        let venv = here().join("cloud/.venv/bin");
        let ministack = venv.join("ministack");
        if !ministack.exists() {
            return Err("ministack is not installed in tests/cloud/.venv (tests/run does so)".into());
        }
        let mirror = match std::env::var_os("KURIR_TF_PLUGINS") {
            Some(direct) if direct == "direct" => None,
            Some(folder) => Some(with_provider(folder.into())?),
            None => Some(with_provider(search().ok_or(
                "there is no folder tf-plugins with Terraform's providers; say where with KURIR_TF_PLUGINS",
            )?)?),
        };
        Ok(Self { terraform, mirror, python: venv.join("python"), ministack })
    }
}

/// The folder of the tests.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// As `infra/check` searches: in the parents, at home, where programs keep such things.
fn search() -> Option<PathBuf> {
    let parents = here().ancestors().skip(1).flat_map(|folder| {
        let within = folder.read_dir().into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        [folder.to_owned()].into_iter().chain(within)
    });
    let home = std::env::home_dir().unwrap_or_default();
    let usual = [".local/share", ".terraform.d"].map(|place| home.join(place));
    let common = ["/usr/local/lib", "/usr/local/share", "/usr/lib", "/usr/share", "/var/lib"];
    let places = parents.chain([home]).chain(usual).chain(common.map(PathBuf::from));
    places.map(|place| place.join("tf-plugins")).find(|folder| folder.is_dir())
}

fn with_provider(folder: PathBuf) -> Result<PathBuf, String> {
    let has = folder.read_dir().into_iter().flatten().flatten();
    match has.into_iter().any(|registry| registry.path().join("hashicorp/aws").is_dir()) {
        true => folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display())),
        false => Err(format!("{} has no provider hashicorp/aws", folder.display())),
    }
}
