//! Finding `caproni.yaml` and reading what counts in it.
//!
//! The format is version 2 of that of GitLab's caproni, whose files hold much that is not ours
//! (`deployers`, `reloaders`, `repositories`): `version`, `variables`, `extends` and `cluster`
//! count, the rest is ignored without a word.
//!
//! What `${NAME}` stands for is looked up when a part of the file is asked for, and only there:
//! a variable that is not set for another driver, or for a deployer, is no error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use caproni_driver::ErrorKind;

use super::extends;
use super::nearest::unknown;
use super::origin::Origin;
use super::profile::Strategy;
use super::section::Section;
use super::sources::{Source, Sources};
use super::variables::{Environment, Variables};
use super::yaml::{Data, Node, Place};
use crate::error::Error;

/// The file's name.
pub const NAME: &str = "caproni.yaml";

/// What `cluster` may hold besides the sections of drivers.
pub(super) const OURS: [&str; 3] = ["driver", "name", "network"];

/// A config file that was read, with all that it is made of.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    pub(super) document: Node,
    pub(super) sources: Arc<Sources>,
    variables: Variables,
}

/// Looks for `caproni.yaml` in a folder and all folders above it.
pub fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

impl ConfigFile {
    /// Reads a config file with what it extends, and the local file beside it.
    ///
    /// # Errors
    /// `InvalidConfigFile` with file, line and column.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_in(path, Environment::of_process())
    }

    /// The same in any environment.
    ///
    /// # Errors
    /// As [`ConfigFile::read`].
    pub fn read_in(path: &Path, environment: Environment) -> Result<Self, Error> {
        let (document, sources) = extends::read(path, &environment)?;
        let variables = Variables::read(&document, &sources, environment)?;
        let file =
            Self { path: path.to_path_buf(), document, sources: Arc::new(sources), variables };
        file.check_cluster()?;
        Ok(file)
    }

    /// The files that it is made of, this one first.
    pub fn sources(&self) -> &[Source] {
        self.sources.all()
    }

    /// The driver it names in `cluster.driver`.
    ///
    /// # Errors
    /// `InvalidConfigFile` when that is not a name.
    pub fn driver(&self) -> Result<Option<String>, Error> {
        let Some(node) = self.ours("driver")? else { return Ok(None) };
        match node.as_str() {
            // A path here would run whatever the project brings along.
            Some(name) if !name.contains('/') && !name.is_empty() => Ok(Some(name.to_owned())),
            _ => Err(self.wrong(node.place, "`cluster.driver` must be a driver's name").with_hint(
                "write a name such as `k3d`; a path is for `--driver` on the command line",
            )),
        }
    }

    /// The profile that `cluster.name.strategy` asks for.
    ///
    /// # Errors
    /// `InvalidConfigFile` when there is no such strategy.
    pub fn profile(&self) -> Result<String, Error> {
        Ok(self.strategy()?.profile(&self.path))
    }

    pub(super) fn strategy(&self) -> Result<Strategy, Error> {
        let known = || Strategy::ALL.iter().map(|(name, _)| *name);
        let hint = "write `strategy: static` or `strategy: directory`";
        let Some(name) = self.ours("name")? else { return Ok(Strategy::Static) };
        let Data::Fields(fields) = &name.data else {
            let what = "`cluster.name` must hold a `strategy`";
            return Err(self.wrong(name.place, what).with_hint(hint));
        };
        if let Some((other, node)) = fields.iter().find(|(field, _)| field != "strategy") {
            let what = unknown("field", other, ["strategy"]);
            return Err(self.wrong(node.place, &what).with_hint(hint));
        }
        let Some(node) = name.get("strategy").filter(|node| !node.is_null()) else {
            return Ok(Strategy::Static);
        };
        let said = node.as_str().unwrap_or_default();
        let found = Strategy::ALL.iter().find(|(name, _)| *name == said);
        found.map(|(_, strategy)| *strategy).ok_or_else(|| {
            self.wrong(node.place, &unknown("strategy", said, known())).with_hint(hint)
        })
    }

    /// The names of the drivers' sections.
    pub fn sections(&self) -> Vec<String> {
        let all = self.cluster().map(Node::fields).unwrap_or_default().iter();
        all.map(|(name, _)| name.clone()).filter(|name| !is_ours(name)).collect()
    }

    /// A part of `cluster` that is no driver's, as JSON.
    ///
    /// # Errors
    /// `InvalidConfigFile`: something in it cannot be replaced.
    pub fn ours_as_json(&self, name: &str) -> Result<Option<serde_json::Value>, Error> {
        Ok(self.ours(name)?.map(|node| node.to_json()))
    }

    /// Where a value of `cluster` comes from that is no driver's.
    pub fn origin(&self, path: &[&str]) -> Option<Origin> {
        let (first, rest) = path.split_first()?;
        let node = self.ours(first).ok()??;
        let node = rest.iter().try_fold(&node, |node, name| node.get(name))?;
        Some(Origin::of(node, &self.sources))
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
        if !node.is_null() && !matches!(node.data, Data::Fields(_)) {
            return Err(self.wrong(
                node.place,
                &format!("`{name}` must hold fields, such as `{driver}: {{}}`"),
            ));
        }
        let (node, unexpanded) = self.variables.expand(node);
        Ok(Section { name, node, sources: self.sources.clone(), unexpanded })
    }

    pub(super) fn cluster(&self) -> Option<&Node> {
        self.document.get("cluster")
    }

    /// A part of `cluster` that is no driver's, with everything replaced.
    pub(super) fn ours(&self, name: &str) -> Result<Option<Node>, Error> {
        let node = self.cluster().and_then(|cluster| cluster.get(name));
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(None) };
        let (expanded, left) = self.variables.expand(node);
        match left.first() {
            None => Ok(Some(expanded)),
            Some(left) => {
                let place = node.place_of(left.path.iter().map(String::as_str));
                Err(self.wrong(place, &left.why).with_hint(SET_IT))
            }
        }
    }

    pub(super) fn wrong(&self, place: Place, message: &str) -> Error {
        self.sources.error(place, message)
    }
}

/// What to do about a variable that is not set.
pub(super) const SET_IT: &str = "set the variable, give it a default such as `${NAME:-default}`, or write `$${` for a plain `${`";

/// Tells whether a part of `cluster` is no driver's.
pub(super) fn is_ours(name: &str) -> bool {
    OURS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn file(text: &str) -> Result<ConfigFile, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, text).unwrap();
        ConfigFile::read_in(&path, Environment::new(|_| None))
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
            "version: 2\ndeployers: [\"${UNSET}\"]\ncluster:\n  driver: k3d\n  network: {hostname: h}\n  k3d:\n  colima: {memory: \"${UNSET}\"}\n",
        );
        let file = file.unwrap();
        assert_eq!(file.driver().unwrap().as_deref(), Some("k3d"));
        assert!(file.section("k3d").unwrap().unexpanded.is_empty());
        assert_eq!(file.section("colima").unwrap().unexpanded.len(), 1);
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

    #[test]
    fn a_misspelt_name_of_ours_is_not_taken_for_a_driver() {
        let told = |text: &str| file(text).unwrap_err().message;
        assert!(told("cluster: {drvier: k3d}\n").ends_with("did you mean `driver`?"));
        assert!(told("cluster: {nmae: {strategy: directory}}\n").ends_with("did you mean `name`?"));
        assert!(file("cluster: {driver2: {}, nam: {}, mine: x}\n").is_ok());
    }

    #[test]
    fn the_strategy_says_what_the_profile_is() {
        let profile = |name: &str| file(&format!("cluster: {{{name}}}\n")).unwrap().profile();
        for text in ["", "name:", "name: {}", "name: {strategy: static}", "name: {strategy:}"] {
            assert_eq!(profile(text).unwrap(), "caproni", "{text}");
        }
        assert_ne!(profile("name: {strategy: directory}").unwrap(), "caproni");
        let wrong = |text| profile(text).unwrap_err().message;
        assert!(
            wrong("name: {strategy: dir}")
                .ends_with("unknown strategy `dir`, did you mean `directory`?")
        );
        assert!(wrong("name: {stratgy: static}").ends_with("did you mean `strategy`?"));
        assert!(wrong("name: demo").ends_with("must hold a `strategy`"));
    }
}
