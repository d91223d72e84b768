//! `caproni config show`

use clap::Args;
use serde_json::{Map, Value, json};

use crate::commands::{App, Target};
use crate::config::{self, ConfigFile, Origin, is_secret};
use crate::error::Error;
use crate::exit;
use crate::output::{ConfigSource, EffectiveConfig};
use crate::ui::{Width, clean, value, wrapped_table};

/// How wide a value may be in the table.
const WIDEST: u16 = 30;

/// Show what the config comes to, and where each value comes from
///
/// That is the driver's section as `start` would use it: fragments and the local file laid
/// together, variables replaced, defaults filled in. Secrets are hidden. With `-o json` the
/// config is under `cluster`, and under `origins` where each value is from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni config show
  caproni config show -o json")]
pub(crate) struct Show {}

impl Show {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let session = app.open(&target).await?;
        let (driver, schema) =
            (session.driver.name.clone(), session.description.config_schema.clone().into_value());
        session.close().await;
        let effective = Effective::new(app, &target, driver, &schema)?;
        app.ui.result(&effective.to_text(app.ui.width()), &effective.output())?;
        Ok(exit::OK)
    }
}

/// What is in effect.
struct Effective<'a> {
    file: Option<&'a ConfigFile>,
    profile: &'a str,
    driver: String,
    rows: Vec<Row>,
    cluster: Map<String, Value>,
}

/// One value.
struct Row {
    path: String,
    value: Value,
    origin: Origin,
}

impl<'a> Effective<'a> {
    fn new(app: &App, target: &'a Target, driver: String, schema: &Value) -> Result<Self, Error> {
        let (file, profile) = (target.file.as_ref(), target.profile.as_str());
        let mut effective = Self { file, profile, driver, rows: Vec::new(), cluster: Map::new() };
        effective.take_driver(app);
        effective.take_ours()?;
        effective.take_section(schema)?;
        Ok(effective)
    }

    fn take_driver(&mut self, app: &App) {
        let is_said = app.global.driver.as_ref().is_some_and(|said| !said.is_empty());
        let in_file = || self.file.and_then(|file| file.origin(&["driver"]));
        let origin = if is_said { Some(Origin::said("--driver")) } else { in_file() };
        let (path, value) = ("cluster.driver".into(), json!(self.driver));
        self.cluster.insert("driver".into(), value.clone());
        self.rows.push(Row { path, value, origin: origin.unwrap_or_default() });
    }

    fn take_ours(&mut self) -> Result<(), Error> {
        let Some(file) = self.file else { return Ok(()) };
        for name in ["name", "network"] {
            let Some(value) = file.ours_as_json(name)? else { continue };
            let origin = |path: &[String]| {
                let steps = std::iter::once(name).chain(path.iter().map(String::as_str));
                file.origin(&steps.collect::<Vec<_>>()).unwrap_or_default()
            };
            leaves(&format!("cluster.{name}"), &value, &mut Vec::new(), &origin, &mut self.rows);
            self.cluster.insert(name.into(), value);
        }
        Ok(())
    }

    fn take_section(&mut self, schema: &Value) -> Result<(), Error> {
        let section = self.file.map(|file| file.section(&self.driver)).transpose()?;
        let mut config = config::validate(section.as_ref(), schema, &self.driver)?;
        hide(schema, &mut config, &mut Vec::new());
        let in_section = |path: &[String]| section.as_ref().and_then(|it| it.origin(path));
        let origin = |path: &[String]| in_section(path).unwrap_or_default();
        let name = format!("cluster.{}", self.driver);
        leaves(&name, &config, &mut Vec::new(), &origin, &mut self.rows);
        self.cluster.insert(self.driver.clone(), config);
        Ok(())
    }

    fn output(&self) -> EffectiveConfig {
        let files = self.file.map(ConfigFile::sources).unwrap_or_default().iter();
        let origins = self.rows.iter().map(|row| (row.path.clone(), json!(row.origin)));
        EffectiveConfig {
            files: files.map(ConfigSource::of).collect(),
            profile: self.profile.to_owned(),
            driver: self.driver.clone(),
            cluster: self.cluster.clone(),
            origins: origins.collect(),
        }
    }

    fn to_text(&self, width: u16) -> String {
        let mut text = String::new();
        for source in self.file.map(ConfigFile::sources).unwrap_or_default() {
            text += &format!("{:<9} {}\n", source.role.name(), source.name);
        }
        if self.file.is_none() {
            text += "file      none\n";
        }
        text += &format!("{:<9} {}\n\n", "profile", self.profile);
        let columns =
            [("FIELD", Width::Content), ("VALUE", Width::AtMost(WIDEST)), ("FROM", Width::Rest)];
        let cells = |row: &Row| [row.path.clone(), value(&row.value), row.origin.to_text()];
        clean(&text) + &wrapped_table(width, columns, self.rows.iter().map(cells))
    }
}

/// A row for each value; a list is one value.
fn leaves(
    name: &str,
    value: &Value,
    path: &mut Vec<String>,
    origin: &dyn Fn(&[String]) -> Origin,
    rows: &mut Vec<Row>,
) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (field, value) in fields {
                path.push(field.clone());
                leaves(name, value, path, origin, rows);
                path.pop();
            }
        }
        Value::Object(_) if path.is_empty() => {}
        value => {
            let steps = std::iter::once(name).chain(path.iter().map(String::as_str));
            let steps: Vec<&str> = steps.collect();
            rows.push(Row { path: steps.join("."), value: value.clone(), origin: origin(path) });
        }
    }
}

/// Puts a word in the place of what is never shown.
fn hide(schema: &Value, value: &mut Value, path: &mut Vec<String>) {
    // There is no secret in nothing.
    if !value.is_null() && is_secret(schema, path) {
        *value = json!("(hidden)");
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                path.push(name.clone());
                hide(schema, value, path);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                hide(schema, item, path);
                path.pop();
            }
        }
        _ => {}
    }
}
