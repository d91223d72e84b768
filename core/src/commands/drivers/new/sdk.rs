//! Where a driver in Rust has the crate `caproni-driver` from.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The crate's version, which is that of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the crate's folder is in a checkout of caproni.
const IN_CHECKOUT: &str = "drivers/sdk";

/// Makes a package that lies in the folder of another one a workspace of its own.
const OWN_WORKSPACE: &str = "\n[workspace]\n";

/// The crate that a new driver depends on.
#[derive(Debug)]
pub(super) enum Sdk {
    /// The one that `cargo` finds in its registry.
    Registry,
    /// The one in this folder.
    Folder(PathBuf),
    /// That of the workspace that the driver becomes a member of.
    Workspace,
}

impl Sdk {
    /// The crate for a driver in this folder, which is yet to be made.
    ///
    /// # Errors
    /// `Usage` when `named` is another folder.
    pub(super) fn find(named: Option<&Path>, folder: &Path) -> Result<Self, Error> {
        if let Some(named) = named {
            return named_folder(named).map(Self::Folder);
        }
        let here = std::env::current_dir().unwrap_or_default();
        let Some(checkout) = checkout(folder).or_else(|| checkout(&here)) else {
            return Ok(Self::Registry);
        };
        let is_member =
            folder.parent().is_some_and(|parent| same(parent, &checkout.join("drivers")));
        Ok(if is_member { Self::Workspace } else { Self::Folder(checkout.join(IN_CHECKOUT)) })
    }

    /// What a user must know who has to get the crate from elsewhere.
    pub(super) fn warning(&self) -> Option<String> {
        matches!(self, Self::Registry).then(|| {
            format!(
                "the driver depends on `caproni-driver` {VERSION} of cargo's registry; if that has no such crate, \
                 write the driver with `--sdk DIR`, the folder `{IN_CHECKOUT}` of a checkout of caproni"
            )
        })
    }

    /// Fills in the places of a template that the crate decides.
    pub(super) fn fill_in(&self, text: &str) -> String {
        let dependency = match self {
            Self::Registry => format!("\"{VERSION}\""),
            // A JSON string is one of TOML, too.
            Self::Folder(folder) => format!("{{ path = {} }}", serde_json::json!(folder)),
            Self::Workspace => "{ path = \"../sdk\" }".into(),
        };
        let workspace = if matches!(self, Self::Workspace) { "" } else { OWN_WORKSPACE };
        text.replace("{{sdk}}", &dependency)
            .replace("{{workspace}}", workspace)
            .replace("{{rust}}", env!("CARGO_PKG_RUST_VERSION"))
    }

    /// The folder, from the driver's own, in which cargo leaves executables.
    pub(super) fn executables(&self, own: &'static str) -> &'static str {
        if matches!(self, Self::Workspace) { "/../../target/debug" } else { own }
    }
}

/// Refuses a folder that cargo would take for a package.
///
/// # Errors
/// `Usage` for a folder in `drivers` of a checkout.
pub(super) fn is_no_place_for_others(folder: &Path) -> Result<(), Error> {
    let parent = folder.parent().unwrap_or(folder);
    let is_for_rust = checkout(parent).is_some_and(|root| same(parent, &root.join("drivers")));
    if !is_for_rust {
        return Ok(());
    }
    let shown = parent.display();
    Err(Error::usage(format!("`{shown}` of a checkout of caproni holds packages in Rust only"))
        .with_hint("name a folder that is elsewhere with `--into`"))
}

fn named_folder(named: &Path) -> Result<PathBuf, Error> {
    match named.canonicalize() {
        Ok(folder) if is_sdk(&folder) => Ok(folder),
        _ => {
            let message =
                format!("`{}` is not the folder of the crate `caproni-driver`", named.display());
            let hint = format!("name the folder `{IN_CHECKOUT}` of a checkout of caproni");
            Err(Error::usage(message).with_hint(hint))
        }
    }
}

/// The checkout of caproni that a folder, which need not be there, is in.
fn checkout(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|root| is_sdk(&root.join(IN_CHECKOUT)))?;
    root.canonicalize().ok()
}

fn is_sdk(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == "name = \"caproni-driver\"")
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
