//! `caproni config show`

use clap::Args;
use serde_json::{Map, Value, json};

use crate::commands::{App, Target};
use crate::config::{self, ConfigFile, Origin, Section, is_secret};
use crate::error::Error;
use crate::exit;
use crate::ui::{Width, clean, value, wrapped_table};

/// How wide a value may be in the table.
const WIDEST: u16 = 30;

/// Show what the config comes to, and where each value comes from
///
/// That is the driver's section as `start` would use it: fragments and the local file laid
/// together, variables replaced, defaults filled in. Secrets are hidden. With `-o json` the
/// config is under `cluster`, and under `origins` where each value is from.
#[derive(Debug, Args)]
pub(crate) struct Show {}

impl Show {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let target = app.target()?;
        let session = app.open(&target).await?;
        let (driver, schema) =
            (session.driver.name.clone(), session.description.config_schema.clone());
        session.close().await;
        let effective = Effective::new(app, &target, driver, &schema)?;
        app.ui.result(&effective.to_text(app.ui.width()), &effective.to_json())?;
        Ok(exit::OK)
    }
}

/// What is in effect.
struct Effective<'a> {
    file: Option<&'a ConfigFile>,
    profile: &'a str,
    driver: String,
    rows: Vec<Row>,
    cluster: Value,
}

/// One value.
struct Row {
    path: String,
    value: Value,
    origin: Origin,
}

impl<'a> Effective<'a> {
    fn new(app: &App, target: &'a Target, driver: String, schema: &Value) -> Result<Self, Error> {
        let file = target.file.as_ref();
        let section = file.map(|file| file.section(&driver)).transpose()?;
        let mut config = config::validate(section.as_ref(), schema, &driver)?;
        hide(schema, &mut config, &mut Vec::new());
        let mut rows = Vec::new();
        let mut cluster = Map::new();
        let said = |option: &str, given: bool| given.then(|| Origin::said(option));
        let by_option =
            said("--driver", app.global.driver.as_ref().is_some_and(|said| !said.is_empty()));
        let by_file = || file.and_then(|file| file.origin(&["driver"]));
        let origin = by_option.or_else(by_file).unwrap_or_else(Origin::default);
        rows.push(Row { path: "cluster.driver".into(), value: json!(driver), origin });
        cluster.insert("driver".into(), json!(driver));
        if let Some(file) = file {
            for name in ["name", "network"] {
                let Some(value) = file.ours_as_json(name)? else { continue };
                let origin = |path: &[String]| {
                    let steps: Vec<&str> =
                        std::iter::once(name).chain(path.iter().map(String::as_str)).collect();
                    file.origin(&steps).unwrap_or_default()
                };
                leaves(&format!("cluster.{name}"), &value, &mut Vec::new(), &origin, &mut rows);
                cluster.insert(name.into(), value);
            }
        }
        let of_section = |section: &Section, path: &[String]| section.origin(path);
        let origin = |path: &[String]| {
            section.as_ref().and_then(|section| of_section(section, path)).unwrap_or_default()
        };
        leaves(&format!("cluster.{driver}"), &config, &mut Vec::new(), &origin, &mut rows);
        cluster.insert(driver.clone(), config);
        let cluster = Value::Object(cluster);
        Ok(Self { file, profile: &target.profile, driver, rows, cluster })
    }

    fn to_json(&self) -> Value {
        let origins: Map<String, Value> =
            self.rows.iter().map(|row| (row.path.clone(), json!(row.origin))).collect();
        let files = self.file.map(ConfigFile::sources).unwrap_or_default().iter();
        let files: Vec<Value> =
            files.map(|source| json!({"name": source.name, "role": source.role.name()})).collect();
        json!({
            "files": files,
            "profile": self.profile,
            "driver": self.driver,
            "cluster": self.cluster,
            "origins": origins,
        })
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
