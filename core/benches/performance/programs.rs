//! The programs as they are released, built once and together, as a release builds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use escargot::format::Message;

use crate::cargo;

/// Every executable of the workspace, by its name.
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Builds them.
    pub(crate) fn build() -> Self {
        let build = cargo::build()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .release()
            .args(["--workspace", "--bins"]);
        let messages = build.exec().expect("cargo runs");
        let mut programs = BTreeMap::new();
        for message in messages {
            let message = message.expect("the workspace builds");
            if let Ok(Message::CompilerArtifact(artifact)) = message.decode()
                && let Some(file) = artifact.executable
            {
                programs.insert(artifact.target.name.into_owned(), file.into_owned());
            }
        }
        Self(programs)
    }

    /// Those in a folder, such as an older build to compare with.
    pub(crate) fn within(folder: &Path) -> Self {
        let folder = folder.canonicalize().expect("a folder");
        let entries = folder.read_dir().expect("a folder").flatten().map(|entry| entry.path());
        let programs = entries.filter(|file| file.is_file() && file.extension().is_none());
        let named = programs.filter_map(|file| {
            let name = file.file_name()?.to_str()?.to_owned();
            Some((name, file))
        });
        Self(named.collect())
    }

    /// The file of a program.
    pub(crate) fn path(&self, name: &str) -> &Path {
        self.0.get(name).unwrap_or_else(|| panic!("`{name}` is no program of the workspace"))
    }

    /// What is released: caproni and its drivers.
    pub(crate) fn released(&self) -> impl Iterator<Item = (&str, &Path)> {
        let all = self.0.iter().map(|(name, path)| (name.as_str(), path.as_path()));
        all.filter(|(name, _)| name.starts_with("caproni"))
    }
}
