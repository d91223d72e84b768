//! Finding `caproni.yaml` and reading what counts in it.
//!
//! The format is that of GitLab's caproni, whose files hold much that is not ours
//! (`deployers`, `reloaders`, `repositories`): only `cluster` counts, the rest is
//! ignored without a word.

use std::path::{Path, PathBuf};

use caproni_driver::{ErrorKind, Violation, resources};

use super::text;
use super::yaml::{self, Node, Place};
use crate::error::{Error, Kind};

/// The file's name.
const NAME: &str = "caproni.yaml";

/// A config file that was read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    document: Node,
}

/// A driver's section of a config file.
#[derive(Debug, Clone)]
pub struct Section {
    /// The file it is in.
    pub file: PathBuf,
    /// Its name, such as `cluster.k3d`.
    pub name: String,
    pub(super) node: Node,
}

impl Section {
    /// The section as JSON, as it stands in the file.
    pub fn to_json(&self) -> serde_json::Value {
        self.node.to_json()
    }
}

/// Looks for `caproni.yaml` in a folder and all folders above it.
pub fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

impl ConfigFile {
    /// Reads a config file.
    ///
    /// # Errors
    /// `InvalidConfigFile` with file, line and column.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = text::read(path).map_err(|error| {
            let what = format!("cannot read `{}`: {error}", path.display());
            let hint =
                resources::way_out(&error).unwrap_or("name another file with `--config-file`");
            Error::new(Kind::InvalidConfigFile, what).with_hint(hint)
        })?;
        let document = yaml::parse(&text).map_err(|(place, message)| {
            let message = format!("{}: {message}", at(path, place));
            Error::new(Kind::InvalidConfigFile, message).with_hint("mend the YAML there")
        })?;
        let file = Self { path: path.to_path_buf(), document };
        file.check_shape()?;
        Ok(file)
    }

    /// The driver it names in `cluster.driver`.
    ///
    /// # Errors
    /// `InvalidConfigFile` when that is not a name.
    pub fn driver(&self) -> Result<Option<String>, Error> {
        let Some(node) = self.cluster().and_then(|cluster| cluster.get("driver")) else {
            return Ok(None);
        };
        match node.as_str() {
            // A path here would run whatever the project brings along.
            Some(name) if !name.contains('/') && !name.is_empty() => Ok(Some(name.to_owned())),
            _ => Err(self.wrong(node.place, "`cluster.driver` must be a driver's name").with_hint(
                "write a name such as `k3d`; a path is for `--driver` on the command line",
            )),
        }
    }

    /// What the file holds that this version does not act upon, one line each.
    pub fn not_supported(&self) -> Vec<String> {
        let extends = self.document.get("extends").map(|node| {
            let place = at(&self.path, node.place);
            format!("{place}: `extends` is not supported yet, its fragments are not read")
        });
        extends.into_iter().collect()
    }

    /// The section for a driver.
    ///
    /// # Errors
    /// `MissingDriverConfig` with the lines to add; `InvalidConfigFile` when it is
    /// there and holds no fields.
    pub fn section(&self, driver: &str) -> Result<Section, Error> {
        let name = format!("cluster.{driver}");
        let Some(node) = self.cluster().and_then(|cluster| cluster.get(driver)) else {
            let file = self.path.display().to_string();
            return Err(Error::driver(
                ErrorKind::MissingDriverConfig,
                format!("`{file}` has no section `{name}`"),
            )
            .with_hint(format!("add to `{file}`:\ncluster:\n  {driver}: {{}}"))
            .with("section", name)
            .with("file", file));
        };
        if !node.is_null() && !matches!(node.data, yaml::Data::Fields(_)) {
            return Err(self.wrong(
                node.place,
                &format!("`{name}` must hold fields, such as `{driver}: {{}}`"),
            ));
        }
        Ok(Section { file: self.path.clone(), name, node: node.clone() })
    }

    fn cluster(&self) -> Option<&Node> {
        self.document.get("cluster")
    }

    fn check_shape(&self) -> Result<(), Error> {
        let holds_fields =
            |node: &Node| node.is_null() || matches!(node.data, yaml::Data::Fields(_));
        if !holds_fields(&self.document) {
            return Err(
                self.wrong(self.document.place, "the file must hold fields, such as `cluster:`")
            );
        }
        match self.cluster() {
            Some(cluster) if !holds_fields(cluster) => {
                Err(self.wrong(cluster.place, "`cluster` must hold fields, such as `driver: k3d`"))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, place: Place, message: &str) -> Error {
        Error::new(Kind::InvalidConfigFile, format!("{}: {message}", at(&self.path, place)))
    }
}

impl Section {
    /// The place of a field in the file, as `file:line:column`.
    pub(super) fn locate(&self, violation: Violation, path: &[&str]) -> Violation {
        let mut located = violation;
        located.location = Some(at(&self.file, self.node.place_of(path.iter().copied())));
        located
    }
}

fn at(file: &Path, place: Place) -> String {
    format!("{}:{}:{}", file.display(), place.line, place.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<ConfigFile, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, text).unwrap();
        ConfigFile::read(&path)
    }

    #[test]
    fn the_nearest_file_upwards_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(NAME), "").unwrap();
        std::fs::write(folder.path().join("a/b").join(NAME), "").unwrap();
        assert_eq!(find(&deep), Some(folder.path().join("a/b").join(NAME)));
    }

    #[test]
    fn what_is_not_ours_is_ignored() {
        let file = file(
            "version: 2\ndeployers: [x]\ncluster:\n  driver: k3d\n  network: {hostname: h}\n  k3d:\n",
        );
        let file = file.unwrap();
        assert_eq!(file.driver().unwrap().as_deref(), Some("k3d"));
        assert!(file.section("k3d").is_ok());
    }

    #[test]
    fn a_missing_section_brings_the_two_lines_to_add() {
        for text in ["deployers: []\n", "cluster:\n  driver: k3d\n", ""] {
            let error = file(text).unwrap().section("k3d").unwrap_err();
            assert!(error.is(&ErrorKind::MissingDriverConfig));
            assert!(error.data.hint.unwrap().ends_with(":\ncluster:\n  k3d: {}"), "{text}");
        }
    }

    #[test]
    fn a_path_as_driver_is_refused_with_its_line() {
        let file = file("cluster:\n  driver: ./evil\n").unwrap();
        let error = file.driver().unwrap_err();
        assert!(error.message.contains("caproni.yaml:2:3: "), "{}", error.message);
    }

    #[test]
    fn the_wrong_shape_is_told_with_its_line() {
        for text in ["- a\n", "cluster: k3d\n", "cluster: [\n"] {
            assert_eq!(file(text).unwrap_err().kind, Kind::InvalidConfigFile, "{text}");
        }
        let error = file("cluster:\n  k3d: 3\n").unwrap().section("k3d").unwrap_err();
        assert!(
            error.message.contains(":2:3: `cluster.k3d` must hold fields"),
            "{}",
            error.message
        );
    }
}
