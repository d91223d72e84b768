//! All the files that one config is made of: what it extends, the file, what is laid over it.

use std::path::{Component, Path, PathBuf};

use caproni_driver::resources;
use serde_json::Value;

use super::merge::overlay;
use super::remote::{MARK, Pinned, Unavailable};
use super::sources::{Role, Sources, folder_of};
use super::text;
use super::variables::Environment;
use super::yaml::{self, Data, Node, Place};
use crate::error::{Error, Kind};

/// How long a file may be, in bytes.
pub(super) const LONGEST: usize = yaml::MAX_LENGTH;

/// How deep fragments may extend fragments, and how many files there may be.
const DEEPEST: usize = 16;
const MOST: usize = 100;

/// The format's version that is read.
const VERSION: u64 = 2;

/// Reads a config file, and lays together what it is made of: the fragments in their order,
/// the file over them, and over all of it the local file beside it with its own fragments.
///
/// # Errors
/// `InvalidConfigFile` with file, line and column.
pub(super) fn read(path: &Path, environment: &Environment) -> Result<(Node, Sources), Error> {
    let mut loader = Loader { sources: Sources::default(), environment, open: Vec::new() };
    let text = text::read(path).map_err(|why| {
        let message = format!("cannot read `{}`: {why}", path.display());
        let hint = resources::way_out(&why).unwrap_or("name another file with `--config-file`");
        Error::new(Kind::InvalidConfigFile, message).with_hint(hint)
    })?;
    let mut document = loader.load(Origin::Path(path.to_path_buf()), Role::File, text)?;
    let local = local_of(path);
    if local.is_file() {
        let text = text::read(&local).map_err(|why| {
            let message = format!("cannot read `{}`: {why}", local.display());
            let hint = resources::way_out(&why).unwrap_or("make it readable, or remove it");
            Error::new(Kind::InvalidConfigFile, message).with_hint(hint)
        })?;
        let over = loader.load(Origin::Path(local), Role::Local, text)?;
        document = overlay(document, over);
    }
    Ok((document, loader.sources))
}

/// The file that is laid over a config file: `caproni.local.yaml` over `caproni.yaml`.
pub(super) fn local_of(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map_or("yaml".into(), |ending| ending.to_string_lossy());
    folder_of(path).join(format!("{stem}.local.{ending}"))
}

struct Loader<'a> {
    sources: Sources,
    environment: &'a Environment,
    /// Those that are being read, each extended by the one before.
    open: Vec<Origin>,
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Path(PathBuf),
    Address(Pinned),
}

impl Origin {
    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Address(pinned) => pinned.url.clone(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path(a), Self::Path(b)) => a.canonicalize().ok() == b.canonicalize().ok(),
            (a, b) => a == b,
        }
    }
}

impl Loader<'_> {
    fn load(&mut self, origin: Origin, role: Role, text: String) -> Result<Node, Error> {
        let source = self.sources.add(origin.name(), role, text.clone());
        let document = yaml::parse(&text).map_err(|(place, message)| {
            let place = Place { source, ..place };
            self.sources.error(place, &message).with_hint("mend the YAML there")
        })?;
        let document = document.in_source(source);
        self.check_shape(&document)?;
        self.open.push(origin.clone());
        let fragments = self.fragments(&document, &origin);
        self.open.pop();
        Ok(match document.is_null() {
            true => fragments?,
            false => overlay(fragments?, without_extends(document)),
        })
    }

    fn check_shape(&self, document: &Node) -> Result<(), Error> {
        if !document.is_null() && !matches!(document.data, Data::Fields(_)) {
            let what = "the file must hold fields, such as `cluster:`";
            return Err(self.sources.error(document.place, what));
        }
        let Some(version) = document.get("version") else { return Ok(()) };
        let said = match &version.data {
            Data::Scalar(value) => value.as_u64().or_else(|| value.as_str()?.parse().ok()),
            _ => None,
        };
        if said == Some(VERSION) {
            return Ok(());
        }
        let what = format!("the format's version is {VERSION}, and this file has another one");
        Err(self
            .sources
            .error(version.place, &what)
            .with_hint(format!("write `version: {VERSION}`")))
    }

    /// What a document extends, laid together.
    fn fragments(&mut self, document: &Node, from: &Origin) -> Result<Node, Error> {
        let mut together = Node::empty();
        let Some(extends) = document.get("extends").filter(|node| !node.is_null()) else {
            return Ok(together);
        };
        let Data::List(entries) = &extends.data else {
            return Err(self.sources.error(extends.place, "`extends` must be a list of paths"));
        };
        for entry in entries {
            let origin = self.origin(entry, from)?;
            let text = self.text(entry.place, &origin)?;
            let fragment = self.load(origin, Role::Fragment, text)?;
            together = overlay(together, fragment);
        }
        Ok(together)
    }

    /// What an entry of `extends` names.
    fn origin(&self, entry: &Node, from: &Origin) -> Result<Origin, Error> {
        let wrong = |(message, hint): (String, String)| {
            self.sources.error(entry.place, &message).with_hint(hint)
        };
        let expand = |text: &str| {
            let expanded = self.environment.expand(text);
            expanded.map_err(|why| wrong((why, "here only the environment counts".into())))
        };
        let field = |name: &str| entry.get(name).and_then(Node::as_str).map(expand).transpose();
        if let Some(url) = field("url")? {
            let sha256 = field("sha256")?;
            return Pinned::new(&url, sha256.as_deref()).map(Origin::Address).map_err(wrong);
        }
        let Data::Scalar(Value::String(text)) = &entry.data else {
            let what = "an entry of `extends` must be a path, or an address with its sha256";
            let hint = "write `./base.yaml`, or `{url: https://…, sha256: …}`";
            return Err(wrong((what.into(), hint.into())));
        };
        let text = expand(text)?;
        if text.contains("://") {
            let (url, sha256) = match text.split_once(MARK) {
                Some((url, sha256)) => (url, Some(sha256)),
                None => (text.as_str(), None),
            };
            return Pinned::new(url, sha256).map(Origin::Address).map_err(wrong);
        }
        match from {
            Origin::Path(path) => Ok(Origin::Path(joined(&folder_of(path), &text))),
            Origin::Address(_) => Err(wrong((
                format!("`{text}` is a path, and this fragment comes from an address"),
                "extend the path in your own file".into(),
            ))),
        }
    }

    fn text(&self, place: Place, origin: &Origin) -> Result<String, Error> {
        let name = origin.name();
        let wrong =
            |message: String, hint: &str| self.sources.error(place, &message).with_hint(hint);
        if self.open.iter().any(|open| open.is_same(origin)) {
            let what = format!("`{name}` extends itself, by way of this file");
            return Err(wrong(what, "take one of the entries out"));
        }
        if self.open.len() > DEEPEST || self.sources.all().len() >= MOST {
            let what = format!("more than {DEEPEST} fragments deep, or more than {MOST} in all");
            return Err(wrong(what, "put some of them together"));
        }
        match origin {
            Origin::Path(path) if path.exists() && !path.is_file() => {
                Err(wrong(format!("`{name}` is not a file"), "name a YAML file"))
            }
            Origin::Path(path) => text::read(path).map_err(|why| {
                let hint = "a path in `extends` is seen from the file that it stands in";
                wrong(format!("cannot read `{name}`: {why}"), hint)
            }),
            Origin::Address(pinned) => pinned.get().map_err(|unavailable| match unavailable {
                Unavailable::Cancelled => caproni_driver::Error::cancelled().into(),
                Unavailable::Because(what, hint) => wrong(what, &hint),
            }),
        }
    }
}

/// A path as seen from a folder, as short as that goes without looking at the disk.
fn joined(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().filter(|part| *part != Component::CurDir).collect()
}

fn without_extends(mut document: Node) -> Node {
    if let Data::Fields(fields) = &mut document.data {
        fields.retain(|(name, _)| name != "extends");
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The `cluster` of a folder with these files, of which `caproni.yaml` is read.
    fn cluster(files: &[(&str, &str)]) -> Result<Value, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let environment = Environment::new(|name| (name == "STAGE").then(|| "ci".to_owned()));
        let root = format!("{}/", folder.path().display());
        let read = read(&folder.path().join("caproni.yaml"), &environment);
        read.map(|(document, _)| document.get("cluster").map_or(Value::Null, Node::to_json))
            .map_err(|error| error.message.replace(&root, ""))
    }

    #[test]
    fn later_fragments_win_and_the_file_wins_over_all() {
        let files = [
            ("caproni.yaml", "extends: [a.yaml, sub/b.yaml]\ncluster: {x: {own: 1}}\n"),
            ("a.yaml", "cluster: {x: {own: 2, a: 2, b: 2}}\n"),
            ("sub/b.yaml", "extends: [c.yaml]\ncluster: {x: {own: 3, b: 3}}\n"),
            ("sub/c.yaml", "cluster: {x: {c: 4, b: 4}}\n"),
        ];
        assert_eq!(cluster(&files).unwrap(), json!({"x": {"own": 1, "a": 2, "b": 3, "c": 4}}));
    }

    #[test]
    fn the_local_file_is_laid_over_all_and_may_hold_only_extends() {
        let base = ("caproni.yaml", "cluster: {x: {a: 1, b: 1}}\n");
        let local = ("caproni.local.yaml", "cluster: {x: {a: null, c: 2}}\n");
        assert_eq!(cluster(&[base, local]).unwrap(), json!({"x": {"b": 1, "c": 2}}));
        let local = ("caproni.local.yaml", "extends: [more.yaml]\n");
        let more = ("more.yaml", "cluster: {x: {b: 2}}\n");
        assert_eq!(cluster(&[base, local, more]).unwrap(), json!({"x": {"a": 1, "b": 2}}));
        assert_eq!(
            cluster(&[base, ("caproni.local.yaml", "")]).unwrap(),
            json!({"x": {"a": 1, "b": 1}})
        );
    }

    #[test]
    fn a_file_may_hold_only_extends() {
        let files =
            [("caproni.yaml", "extends: [\"${STAGE}.yaml\"]\n"), ("ci.yaml", "cluster: {x: 1}\n")];
        assert_eq!(cluster(&files).unwrap(), json!({"x": 1}));
    }

    #[test]
    fn a_circle_a_missing_file_and_another_version_are_told_with_their_place() {
        let told = |files: &[(&str, &str)]| cluster(files).unwrap_err();
        let circle =
            [("caproni.yaml", "extends:\n  - a.yaml\n"), ("a.yaml", "extends: [caproni.yaml]\n")];
        assert_eq!(
            told(&circle),
            "a.yaml:1:11: `caproni.yaml` extends itself, by way of this file"
        );
        assert_eq!(
            told(&[("caproni.yaml", "extends:\n  - no.yaml\n")]),
            "caproni.yaml:2:5: cannot read `no.yaml`: No such file or directory (os error 2)"
        );
        for version in ["1", "3", "two", "[]"] {
            let said = told(&[("caproni.yaml", &format!("version: {version}\n"))]);
            assert!(said.starts_with("caproni.yaml:1:1: the format's version is 2"), "{said}");
        }
        for version in ["2", "\"2\""] {
            assert!(cluster(&[("caproni.yaml", &format!("version: {version}\n"))]).is_ok());
        }
    }

    #[test]
    fn what_is_no_list_of_paths_is_refused() {
        for extends in ["a.yaml", "{a: b}", "[[a]]", "[1]", "[\".\"]", "[\"${N}\"]"] {
            let said = cluster(&[("caproni.yaml", &format!("extends: {extends}\n"))]).unwrap_err();
            assert!(said.starts_with("caproni.yaml:1:"), "{extends}: {said}");
        }
    }

    #[test]
    fn fragments_without_end_have_one() {
        let files: Vec<(String, String)> = (0..40)
            .map(|i| (format!("{i}.yaml"), format!("extends: [{}.yaml]\n", i + 1)))
            .collect();
        let mut all: Vec<(&str, &str)> =
            files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        all.push(("caproni.yaml", "extends: [0.yaml]\n"));
        assert!(cluster(&all).unwrap_err().contains("fragments deep"));
        let twice = |next: &str| format!("extends: [{next}, {next}]\n");
        let files: Vec<(String, String)> =
            (0..12).map(|i| (format!("{i}.yaml"), twice(&format!("{}.yaml", i + 1)))).collect();
        let mut all: Vec<(&str, &str)> =
            files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        all.extend([("caproni.yaml", "extends: [0.yaml]\n"), ("12.yaml", "")]);
        assert!(cluster(&all).unwrap_err().contains("100 in all"));
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let long = "#".repeat(LONGEST + 1);
        assert!(cluster(&[("caproni.yaml", &long)]).unwrap_err().contains("longer than"));
    }
}
