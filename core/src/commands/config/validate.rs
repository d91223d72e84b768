//! `caproni config validate`

use std::collections::BTreeMap;
use std::path::Path;

use caproni_driver::ErrorKind;
use clap::Args;
use serde_json::json;

use super::gather::{Answer, descriptions, or_cancelled};
use crate::commands::drivers::reason;
use crate::commands::{App, DEFAULT_DRIVER};
use crate::config::{self, ConfigFile};
use crate::discovery::Driver;
use crate::error::{Error, Kind};
use crate::exit;

/// Check the config file: all of it that is caproni's, and every driver's section
///
/// Tells every mistake with its place, and which sections cannot be checked because their driver
/// is not installed. Exits with 0 when there is no mistake, else with 6. No cluster is looked at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni config validate
  caproni -c other.yaml config validate")]
pub(crate) struct Validate {}

impl Validate {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let file = app.config_file()?.ok_or_else(no_file)?;
        let drivers = installed(app, &file);
        let asked = drivers.values().cloned().collect();
        let answers = or_cancelled(app, descriptions(app, asked)).await?;
        let mut check = Check::default();
        check.ours(&file);
        check.sections(&file, &drivers, &answers);
        if !file.has_misspelt_sections() {
            check.driver_in_effect(app, &file, &answers);
        }
        check.tell(app, &file)
    }
}

/// There is nothing to check.
pub(super) fn no_file() -> Error {
    let message = format!("there is no `{}` here, nor in any folder above", config::NAME);
    Error::new(Kind::InvalidConfigFile, message)
        .with_hint("run `caproni config init` to write one, or pass `--config-file`")
}

/// The installed drivers that the file speaks of, and the default one.
fn installed(app: &App, file: &ConfigFile) -> BTreeMap<String, Driver> {
    let mut names = file.sections();
    names.extend(file.driver().ok().flatten());
    names.push(DEFAULT_DRIVER.into());
    let found = |name: String| Some((name.clone(), app.search.find_name(&name).ok()?));
    let mut drivers: BTreeMap<String, Driver> = names.into_iter().filter_map(found).collect();
    if let Some(said) = app.global.driver.as_deref().filter(|said| !said.is_empty())
        && let Ok(driver) = app.search.find(said)
    {
        drivers.insert(said.to_owned(), driver);
    }
    drivers
}

/// What the check has come to.
#[derive(Default)]
struct Check {
    mistakes: Vec<Error>,
    checked: Vec<String>,
    not_checked: Vec<(String, String)>,
}

impl Check {
    fn ours(&mut self, file: &ConfigFile) {
        for (name, mistakes) in file.check_ours() {
            if mistakes.is_empty() {
                self.checked.push(name);
            }
            self.mistakes.extend(mistakes);
        }
    }

    fn sections(
        &mut self,
        file: &ConfigFile,
        drivers: &BTreeMap<String, Driver>,
        answers: &BTreeMap<String, Answer>,
    ) {
        for name in file.sections() {
            let section = format!("cluster.{name}");
            match (drivers.get(&name), answers.get(&name)) {
                (_, Some(Ok(said))) if said.name == name => self.section(file, section, said),
                (_, Some(Ok(said))) => {
                    let why = format!("driver `{name}` becomes `{}` here", said.name);
                    self.not_checked.push((section, why));
                }
                (Some(driver), Some(Err(error))) => {
                    let why = format!("driver `{name}` is broken: {}", reason(error, driver));
                    self.not_checked.push((section, why));
                }
                _ => {
                    let why = format!("there is no driver `{name}` here");
                    self.not_checked.push((section, why));
                }
            }
        }
    }

    fn section(&mut self, file: &ConfigFile, name: String, said: &caproni_driver::Description) {
        let section = file.section(&said.name);
        let checked = section
            .and_then(|section| config::validate(Some(&section), &said.config_schema, &said.name));
        match checked {
            Ok(_) => self.checked.push(name),
            // That is the driver's fault, and nothing in the file mends it.
            Err(error) if error.kind == Kind::DriverProtocolError => {
                self.not_checked.push((name, error.message));
            }
            Err(mistake) => self.mistakes.push(mistake),
        }
    }

    /// The driver that would start the cluster needs a section.
    fn driver_in_effect(
        &mut self,
        app: &App,
        file: &ConfigFile,
        answers: &BTreeMap<String, Answer>,
    ) {
        let said = app.global.driver.clone().filter(|said| !said.is_empty());
        let Ok(named) = file.driver() else { return };
        let by_file = said.is_none() && named.is_some();
        let driver = said.or(named).unwrap_or_else(|| DEFAULT_DRIVER.into());
        match answers.get(&driver) {
            Some(Ok(said)) => {
                if let Err(error) = file.section(&said.name)
                    && error.is(&ErrorKind::MissingDriverConfig)
                {
                    self.mistakes.push(error);
                }
            }
            Some(Err(_)) => {}
            None if by_file => {
                let installed = app.search.names();
                match file.misspelt_driver(&driver, &installed) {
                    Some(mistake) => self.mistakes.push(mistake),
                    None => self.not_checked.push((
                        "cluster.driver".into(),
                        format!("there is no driver `{driver}` here"),
                    )),
                }
            }
            None => {}
        }
    }

    fn tell(self, app: &App, file: &ConfigFile) -> Result<u8, Error> {
        let Self { mistakes, checked, not_checked } = self;
        let told: Vec<_> = not_checked
            .iter()
            .map(|(section, why)| json!({"section": section, "reason": why}))
            .collect();
        if let Some(error) = together(&file.path, mistakes) {
            for (section, why) in &not_checked {
                app.ui.note(&format!("`{section}` is not checked: {why}"));
            }
            return Err(error.with("notChecked", told));
        }
        let path = file.path.display().to_string();
        let mut text = format!("`{path}` is valid\n");
        for section in &checked {
            text += &format!("  checked      {section}\n");
        }
        for (section, why) in &not_checked {
            text += &format!("  not checked  {section}: {why}\n");
        }
        let files: Vec<&str> = file.sources().iter().map(|source| source.name.as_str()).collect();
        let json = json!({"valid": true, "files": files, "checked": checked, "notChecked": told});
        app.ui.result(&crate::ui::clean(&text), &json)?;
        Ok(exit::OK)
    }
}

/// All mistakes as one error.
fn together(path: &Path, mistakes: Vec<Error>) -> Option<Error> {
    let mut mistakes = mistakes;
    if mistakes.len() < 2 {
        return mistakes.pop();
    }
    let violations: Vec<_> = mistakes.iter().flat_map(Error::as_violations).collect();
    let excerpts: Vec<_> = mistakes.iter().flat_map(Error::excerpts).collect();
    let message = format!("`{}` has {} mistakes", path.display(), violations.len());
    Some(
        Error::new(Kind::InvalidConfigFile, message)
            .with_hint("mend each of them, then run `caproni config validate` again")
            .with_violations(violations)
            .with_excerpts(&excerpts),
    )
}
