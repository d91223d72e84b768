//! Which driver it is, by the platform.

use std::path::PathBuf;

use caproni_driver::{Error, ErrorKind};

use crate::search::{PREFIX, Search};

/// The usual driver of an operating system, as [`std::env::consts::OS`] names it.
fn usual(os: &str) -> Option<&'static str> {
    match os {
        // Containers need a virtual machine there, and colima brings one.
        "macos" => Some("colima"),
        "linux" => Some("k3d"),
        _ => None,
    }
}

/// Finds the usual driver of an operating system.
///
/// # Errors
/// `DriverNotFound` with the drivers that are installed: another one would keep its clusters
/// elsewhere, so which one it is to be is for the user to say.
pub(crate) fn choose(os: &str, search: &Search) -> Result<PathBuf, Error> {
    let Some(name) = usual(os) else {
        return Err(not_found(format!("there is no usual driver on {os}"), search));
    };
    search.find(name).ok_or_else(|| {
        let message = format!("the usual driver of {os} is not installed: no `{PREFIX}{name}`");
        not_found(message, search)
    })
}

fn not_found(message: String, search: &Search) -> Error {
    let installed = search.names();
    let hint = match installed.first() {
        Some(first) => format!(
            "pass `--driver {first}`, or set `cluster.driver` in `caproni.yaml`; installed: {}",
            installed.join(", ")
        ),
        None => format!("put an executable `{PREFIX}NAME` on PATH, and pass `--driver NAME`"),
    };
    let mut error = Error::new(ErrorKind::DriverNotFound, message).with_hint(hint);
    error.data.more.insert("searched".into(), search.shown().into());
    error.data.more.insert("installed".into(), installed.into());
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::Folder;

    #[test]
    fn each_platform_has_its_driver() {
        let folder = Folder::with(&["colima", "k3d", "kind"]);
        for (os, name) in [("macos", "colima"), ("linux", "k3d")] {
            let chosen = choose(os, &folder.search()).unwrap();
            assert_eq!(chosen, folder.path(name), "{os}");
        }
    }

    #[test]
    fn a_missing_first_choice_brings_the_others_and_no_guess() {
        let folder = Folder::with(&["kind", "k3d"]);
        let error = choose("macos", &folder.search()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::DriverNotFound);
        assert_eq!(
            error.message,
            "the usual driver of macos is not installed: no `caproni-driver-colima`"
        );
        assert_eq!(
            error.data.hint.as_deref(),
            Some(
                "pass `--driver k3d`, or set `cluster.driver` in `caproni.yaml`; installed: k3d, kind"
            )
        );
    }

    #[test]
    fn with_none_at_all_it_is_said_where_to_put_one() {
        let error = choose("linux", &Folder::with(&[]).search()).unwrap_err();
        let hint = error.data.hint.unwrap();
        assert!(hint.starts_with("put an executable `caproni-driver-NAME` on PATH"), "{hint}");
    }

    #[test]
    fn a_platform_without_a_usual_driver_is_named() {
        let folder = Folder::with(&["k3d"]);
        let error = choose("freebsd", &folder.search()).unwrap_err();
        assert_eq!(error.message, "there is no usual driver on freebsd");
        assert!(error.data.hint.unwrap().contains("`--driver k3d`"));
    }
}
