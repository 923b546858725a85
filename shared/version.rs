//! Which version runs.

use std::sync::LazyLock;

static TEXT: LazyLock<String> = LazyLock::new(|| of(option_env!("KURIR_REVISION")));

/// The version, and the revision that it was built from when the build was told one (`KURIR_REVISION`), like
/// `0.1.0+1a2b3c4`.
pub fn version() -> &'static str {
    &TEXT
}

fn of(revision: Option<&str>) -> String {
    match revision.map(str::trim).filter(|text| !text.is_empty()) {
        Some(revision) => concat!(env!("CARGO_PKG_VERSION"), "+").to_owned() + revision,
        None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_names_its_revision_when_the_build_knows_it() {
        assert_eq!(of(Some(" 1a2b3c4 ")), concat!(env!("CARGO_PKG_VERSION"), "+1a2b3c4"));
        assert_eq!(of(Some("")), env!("CARGO_PKG_VERSION"));
        assert_eq!(of(None), env!("CARGO_PKG_VERSION"));
    }
}
