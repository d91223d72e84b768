//! Checking a driver's section against the driver's schema.

use caproni_driver::config::{complete, resolve};
use caproni_driver::{ErrorKind, Violation};
use serde_json::{Map, Value, json};

use super::Section;
use super::checked::Checked;
use super::file::SET_IT;
use super::misfit::{self, Misfit};
use super::nearest;
use super::schema::{self, Fault, Unusable};
use super::secrets::{is_secret, secrets};
use super::typed::typed;
use crate::error::{Error, Kind};

/// Checks a driver's section and fills in the schema's defaults.
///
/// Without a section the config is the defaults alone.
///
/// # Errors
/// `InvalidDriverConfig` with every violation and its place; `DriverProtocolError`
/// when the schema itself is of no use.
pub fn validate(section: Option<&Section>, schema: &Value, driver: &str) -> Result<Value, Error> {
    validate_with(section, schema, driver, &Checked::default())
}

/// As [`validate`], but what was found valid before is not checked again.
///
/// # Errors
/// As [`validate`].
pub fn validate_with(
    section: Option<&Section>,
    schema: &Value,
    driver: &str,
    checked: &Checked,
) -> Result<Value, Error> {
    // First of all: nothing else walks through a schema that leads nowhere.
    schema::measure(schema).map_err(|fault| of_no_use(driver, &fault))?;
    let given = section.map(|section| typed(schema, schema, &section.node));
    let given = given.filter(|given| !given.is_null()).unwrap_or_else(|| json!({}));
    let mut found: Found = section.map(unexpanded).unwrap_or_default();
    unknown_fields(schema, schema, &given, &mut Vec::new(), &mut found);
    let config = complete(schema, &given);
    let broken = broken(section, schema, driver, &config, checked)?;
    let is_new =
        |(path, _): &(Vec<String>, Violation)| found.iter().all(|(other, _)| other != path);
    found.extend(broken.into_iter().filter(is_new).collect::<Vec<_>>());
    if found.is_empty() { Ok(config) } else { Err(invalid(section, schema, driver, found)) }
}

fn broken(
    section: Option<&Section>,
    schema: &Value,
    driver: &str,
    config: &Value,
    checked: &Checked,
) -> Result<Found, Error> {
    // Nothing is kept of a secret, be it a digest.
    let has_secrets = section.is_some_and(|section| !secrets(schema, &section.node).is_empty());
    let nothing = Checked::default();
    let checked = if has_secrets { &nothing } else { checked };
    let broken = checked.or_check(schema, config, || broken_rules(schema, config));
    broken.map_err(|unusable| match unusable {
        Unusable::Schema(fault) => of_no_use(driver, &fault),
        Unusable::Machine(error) => Error::system("the config cannot be checked", &error),
    })
}

type Found = Vec<(Vec<String>, Violation)>;

/// How many broken rules of each kind are told: more than anyone reads.
const MOST: usize = 100;

/// How much of one broken rule is told, in characters: it holds the value that breaks it.
const LONGEST: usize = 1024;

fn invalid(section: Option<&Section>, schema: &Value, driver: &str, found: Found) -> Error {
    let secrets = section.map(|section| secrets(schema, &section.node)).unwrap_or_default();
    let unset = section.is_some_and(|section| !section.unexpanded.is_empty());
    let mut found = found;
    if let Some(section) = section {
        found.sort_by_key(|(path, _)| section.place_of(path));
    }
    let (mut violations, mut excerpts) = (Vec::new(), Vec::new());
    for (path, violation) in found {
        let Some(section) = section else {
            violations.push(violation);
            continue;
        };
        let (violation, excerpt) = section.locate(violation, &path, &secrets);
        violations.push(violation);
        excerpts.push(excerpt);
    }
    let place = violations.first().and_then(|v| v.location.clone());
    let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
    let what = violations.first().map(|v| v.message.clone()).unwrap_or_default();
    let more = match violations.len() {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let hint = match unset && violations.len() == 1 {
        true => SET_IT.to_owned(),
        false => format!("mend the section `cluster.{driver}`"),
    };
    Error::driver(ErrorKind::InvalidDriverConfig, format!("{place}{what}{more}"))
        .with_hint(hint)
        .with_violations(violations)
        .with_excerpts(&excerpts)
}

/// What of a section could not be replaced.
fn unexpanded(section: &Section) -> Found {
    let violation = |left: &super::variables::Unexpanded| {
        let field = left.path.join(".");
        let message = format!("`{field}`: {}", left.why);
        (left.path.clone(), Violation::new(field, message))
    };
    section.unexpanded.iter().take(MOST).map(violation).collect()
}

/// Finds fields the schema does not name. An object schema with `properties` is taken
/// to be closed unless it says otherwise: a misspelt field must never be silent.
fn unknown_fields(
    root: &Value,
    schema: &Value,
    given: &Value,
    path: &mut Vec<String>,
    found: &mut Found,
) {
    let schema = resolve(root, schema);
    match given {
        Value::Object(fields) => {
            let Some(known) = schema.get("properties").and_then(Value::as_object) else { return };
            let open =
                schema.get("additionalProperties").is_some_and(|more| more != &Value::Bool(false));
            for (name, value) in fields {
                if found.len() >= MOST {
                    return;
                }
                path.push(name.clone());
                match known.get(name) {
                    Some(property) => unknown_fields(root, property, value, path, found),
                    None if open => {}
                    None => found.push((path.clone(), unknown(path, name, known))),
                }
                path.pop();
            }
        }
        Value::Array(items) => {
            let Some(item_schema) = schema.get("items") else { return };
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                unknown_fields(root, item_schema, item, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn unknown(path: &[String], name: &str, known: &Map<String, Value>) -> Violation {
    let message = nearest::unknown("field", name, known.keys().map(String::as_str));
    Violation::new(path.join("."), message)
}

fn of_no_use(driver: &str, Fault { rule, what }: &Fault) -> Error {
    let message = format!("driver `{driver}` has a config schema that cannot be used: it {what}");
    let hint = format!("tell the driver's author that it breaks rule {rule} of the protocol");
    Error::new(Kind::DriverProtocolError, message).with_hint(hint)
}

fn broken_rules(schema: &Value, config: &Value) -> Result<Found, Unusable> {
    let config = config.clone();
    schema::with_compiled(schema, move |compiled| {
        let error = compiled.misfits(&config)?;
        let misfits = error.iter().flat_map(|error| misfit::all(&config, error));
        Ok(misfits.take(MOST).map(|misfit| violation(compiled.schema(), misfit)).collect())
    })
}

fn violation(schema: &Value, misfit: Misfit<'_>) -> (Vec<String>, Violation) {
    let what = excerpt(misfit.what(is_secret(schema, &misfit.path)));
    let field = misfit.path.join(".");
    let message = if field.is_empty() { what } else { format!("`{field}`: {what}") };
    (misfit.path, Violation::new(field, message))
}

fn excerpt(mut what: String) -> String {
    if let Some((end, _)) = what.char_indices().nth(LONGEST) {
        what.truncate(end);
        what.push('…');
    }
    what
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "servers": {"type": "integer", "minimum": 1, "default": 1},
                "image": {"type": "string"},
                "token": {"type": "string", "minLength": 8, "x-caproni-sensitive": true},
                "logins": {"type": "array", "items": {"properties": {"password": {"$ref": "#/$defs/Secret"}}}},
                "closed": {"additionalProperties": false, "properties": {"pass": {"x-caproni-sensitive": true}}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "k3s": {"anyOf": [{"$ref": "#/$defs/K3s"}, {"type": "null"}]},
            },
            "$defs": {
                "K3s": {"type": "object", "properties": {"disable": {"type": "array", "items": {"type": "string"}}}},
                "Secret": {"type": "string", "minLength": 8, "x-caproni-sensitive": true},
            },
        })
    }

    fn check(fields: &str) -> Result<Value, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("caproni.yaml");
        std::fs::write(&path, format!("cluster:\n  k3d:\n{fields}")).unwrap();
        let section = ConfigFile::read(&path)?.section("k3d")?;
        validate(Some(&section), &schema(), "k3d")
    }

    fn violations(fields: &str) -> Vec<String> {
        let data = check(fields).unwrap_err().data;
        let place = |v: &Violation| {
            let location = v.location.clone().unwrap();
            let file_ends = location.find("caproni.yaml").unwrap();
            location[file_ends..].to_owned()
        };
        data.violations.iter().map(|v| format!("{}: {}", place(v), v.message)).collect()
    }

    #[test]
    fn defaults_are_filled_in_with_and_without_a_section() {
        assert_eq!(validate(None, &schema(), "k3d").unwrap(), json!({"servers": 1}));
        assert_eq!(check("    image: x\n").unwrap(), json!({"image": "x", "servers": 1}));
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_place_and_the_nearest_known_name() {
        assert_eq!(
            violations("    image: x\n    sevrers: 2\n"),
            ["caproni.yaml:4:5: unknown field `sevrers`, did you mean `servers`?"]
        );
        assert_eq!(
            violations("    k3s:\n      disabled: []\n"),
            ["caproni.yaml:4:7: unknown field `disabled`, did you mean `disable`?"]
        );
    }

    #[test]
    fn every_broken_rule_is_told_with_its_place() {
        assert_eq!(
            violations("    servers: 0\n    image: 3\n"),
            [
                "caproni.yaml:3:5: `servers`: 0 is less than the minimum of 1",
                "caproni.yaml:4:5: `image`: 3 is not of type \"string\"",
            ]
        );
        assert_eq!(
            violations("    k3s: {disable: [a, 2]}\n"),
            ["caproni.yaml:3:24: `k3s.disable.1`: 2 is not of type \"string\""]
        );
    }

    #[test]
    fn of_many_and_of_long_faults_not_all_is_told() {
        let unknown: String = (0..1000).map(|n| format!("    x{n}: 1\n")).collect();
        assert_eq!(violations(&unknown).len(), MOST);
        let long = violations(&format!("    servers: {}\n", "x".repeat(500_000)));
        assert!(long[0].len() < 2 * LONGEST && long[0].ends_with('…'), "{}", long[0].len());
    }

    #[test]
    fn a_secret_is_not_repeated_in_the_error() {
        let said = violations("    token: hunter2\n");
        assert!(!said[0].contains("hunter2") && said[0].contains("(hidden)"), "{said:?}");
        let said = violations("    logins: [{password: hunter2}]\n");
        assert!(!said[0].contains("hunter2") && said[0].contains("(hidden)"), "{said:?}");
    }

    #[test]
    fn what_is_valid_is_kept_as_a_digest_but_nothing_of_a_secret() {
        for (fields, files) in [("    servers: 2\n", 1), ("    token: long-enough\n", 0)] {
            let folder = tempfile::tempdir().unwrap();
            let (path, state) = (folder.path().join("caproni.yaml"), folder.path().join("state"));
            std::fs::write(&path, format!("cluster:\n  k3d:\n    image: x\n{fields}")).unwrap();
            let section = ConfigFile::read(&path).unwrap().section("k3d").unwrap();
            std::fs::create_dir(&state).unwrap();
            validate_with(Some(&section), &schema(), "k3d", &Checked::in_folder(&state)).unwrap();
            assert_eq!(state.read_dir().map_or(0, Iterator::count), files, "{fields}");
        }
    }

    #[test]
    fn a_map_of_free_names_takes_any_name() {
        assert!(check("    labels: {any: thing}\n").is_ok());
    }

    #[test]
    fn a_variable_that_is_not_set_is_one_of_the_violations() {
        assert_eq!(
            violations("    servers: \"${N_O_N_E}\"\n    image: 3\n"),
            [
                "caproni.yaml:3:5: `servers`: `N_O_N_E` is not set",
                "caproni.yaml:4:5: `image`: 3 is not of type \"string\"",
            ]
        );
    }

    #[test]
    fn a_number_out_of_a_variable_is_a_number() {
        assert_eq!(check("    servers: \"${N_O_N_E:-3}\"\n").unwrap(), json!({"servers": 3}));
        assert_eq!(
            violations("    servers: \"${N_O_N_E:-many}\"\n"),
            ["caproni.yaml:3:5: `servers`: \"many\" is not of type \"integer\""]
        );
    }

    #[test]
    fn a_secret_beside_what_is_wrong_is_hidden_in_the_line() {
        let error = check("    {token: hunter22, logins: [{password: hunter23}], sevrers: 1}\n")
            .unwrap_err();
        let shown = error.data.more["places"][0]["source"].as_str().unwrap().to_owned();
        assert_eq!(shown, "    {token: (hidden), logins: [{password: (hidden)}], sevrers: 1}");
        assert!(!error.to_json().to_string().contains("hunter2"));
        for misspelt in ["tokn: hunter24", "my_password: hunter24", "closed: {pswd: hunter24}"] {
            let error = check(&format!("    {misspelt}\n")).unwrap_err();
            assert!(!error.to_json().to_string().contains("hunter24"), "{error:?}");
        }
    }

    #[test]
    fn a_schema_that_breaks_a_rule_is_the_drivers_fault_and_the_rule_is_named() {
        let with_field = |field: Value| json!({"type": "object", "properties": {"a": field}});
        for (schema, rule) in [
            (json!({"type": "nonsense"}), "CONF-8"),
            (with_field(json!({"description": "x".repeat(1024 * 1024)})), "CONF-8"),
            (with_field(json!({"pattern": "(?=a)"})), "CONF-8"),
            (with_field(json!({"$ref": "https://example.org/schema.json"})), "CONF-2"),
            (with_field(json!({"$ref": "#/properties/a"})), "CONF-8"),
        ] {
            let error = validate(None, &schema, "x").unwrap_err();
            assert_eq!(error.kind, Kind::DriverProtocolError);
            let said = "driver `x` has a config schema that cannot be used: it ";
            assert!(error.message.starts_with(said), "{error}");
            assert!(error.data.hint.is_some_and(|hint| hint.contains(rule)), "{rule}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_takes_a_tree() {
        let schema = json!({"properties": {"child": {"$ref": "#"}, "size": {"default": 1}}});
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("caproni.yaml");
        std::fs::write(&path, "cluster:\n  x: {child: {child: {size: 2}}}\n").unwrap();
        let section = ConfigFile::read(&path).unwrap().section("x").unwrap();
        assert_eq!(
            validate(Some(&section), &schema, "x").unwrap(),
            json!({"child": {"child": {"size": 2}, "size": 1}, "size": 1})
        );
    }
}
