//! What of a dialogue is nobody else's business: the values of sensitive fields of the config,
//! and credentials for the cluster.
//!
//! They are masked where they belong, and then wherever else the same text turns up: a driver
//! that is recorded because it is faulty may well print a secret where none should be.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use caproni_driver::config::{SENSITIVE, resolve};
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Side;
use super::secrets::{HIDDEN, Secrets};

/// What one session's lines have told of what is secret.
#[derive(Debug, Default)]
pub struct Mask {
    schema: Value,
    /// A later schema, as it came: most drivers are sent no config.
    unread: Option<String>,
    secrets: Secrets,
}

/// What a line holds in which there may be something to learn.
const TELLING: [&str; 4] = ["\"configSchema\"", "\"config\"", "\"kubeconfig\"", "\"env\""];

impl Mask {
    /// Knows what others know already, and tells them what it learns.
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets, ..Self::default() }
    }

    /// Learns from a line what is secret, where there is nobody to show it to.
    pub fn hear(&mut self, from: Side, line: &[u8]) {
        let has = |key: &&str| memmem::find(line, key.as_bytes()).is_some();
        if !TELLING.iter().any(has) {
            return;
        }
        // To look for what is no UTF-8 takes ten times as long as to see that there is none of it.
        let text = std::str::from_utf8(line).map(Cow::Borrowed);
        let line = text.unwrap_or_else(|_| String::from_utf8_lossy(line));
        let schema = if from == Side::Driver { schema_alone(&line) } else { None };
        if let Some(schema) = schema {
            self.unread = Some(schema);
        } else if let Ok(mut value) = serde_json::from_str(&line) {
            self.learn(from, &mut value);
        }
    }

    /// The line as it may be shown. One with nothing to hide stays as it is.
    pub fn line(&mut self, from: Side, line: &str) -> String {
        let Ok(mut value) = serde_json::from_str::<Value>(line) else {
            return self.secrets.scrub(&without_kubeconfig(line));
        };
        let before = value.clone();
        self.learn(from, &mut value);
        self.secrets.scrub_all(&mut value);
        // Of a member that is given twice only the last one was read.
        let same = value == before && self.secrets.scrub(line) == line;
        if same { line.to_owned() } else { value.to_string() }
    }

    fn learn(&mut self, from: Side, value: &mut Value) {
        if let (Value::Object(message), Side::Host | Side::Driver) = (value, from) {
            self.message(message);
        }
    }

    fn message(&mut self, message: &mut Map<String, Value>) {
        if let Some(unread) = self.unread.take() {
            self.schema = serde_json::from_str(&unread).unwrap_or_default();
        }
        if let Some(schema) = message.get("result").and_then(|result| result.get("configSchema")) {
            self.schema = schema.clone();
        }
        let schema = std::mem::take(&mut self.schema);
        for part in ["params", "result"] {
            if let Some(config) = message.get_mut(part).and_then(|part| part.get_mut("config")) {
                self.config(&schema, &[&schema], config, Shown::Open);
            }
        }
        self.schema = schema;
        if let Some(Value::Object(result)) = message.get_mut("result") {
            self.result(result);
        }
    }

    /// Masks a config by its schema, of which `here` are the parts that are about this value.
    fn config(&mut self, root: &Value, here: &[&Value], value: &mut Value, shown: Shown) {
        let here = all_branches(root, here);
        let sensitive = here.iter().any(|part| part.get(SENSITIVE) == Some(&Value::Bool(true)));
        let shown = if sensitive { Shown::Hidden } else { shown };
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.config(root, &below(&here, key), value, shown);
                }
            }
            Value::Array(items) => {
                let parts: Vec<&Value> = here.iter().filter_map(|part| part.get("items")).collect();
                for item in items {
                    self.config(root, &parts, item, shown);
                }
            }
            Value::String(text) if shown == Shown::Hidden => *text = self.secrets.hide(text),
            Value::Number(_) if shown == Shown::Hidden => *value = 0.into(),
            _ => {}
        }
    }

    fn result(&mut self, result: &mut Map<String, Value>) {
        let context = result.get("context").and_then(Value::as_str).unwrap_or("hidden").to_owned();
        if let Some(Value::String(kubeconfig)) = result.get_mut("kubeconfig") {
            for credential in credentials(kubeconfig) {
                self.secrets.hide(&credential);
            }
            *kubeconfig = stub(&context);
        }
        // Of a plan: its command line is free of secrets (rule PLAN-2), its variables may not be.
        if let (true, Some(Value::Object(env))) =
            (result.contains_key("argv"), result.get_mut("env"))
        {
            for value in env.values_mut() {
                if let Value::String(text) = value {
                    *text = self.secrets.hide(text);
                }
            }
        }
    }
}

/// What a driver says of itself.
#[derive(Deserialize)]
struct Introduction<'a> {
    params: Option<IgnoredAny>,
    #[serde(borrow)]
    result: BTreeMap<String, &'a RawValue>,
}

/// The schema in a driver's message in which nothing else is to be learnt from.
fn schema_alone(line: &str) -> Option<String> {
    memmem::find(line.as_bytes(), b"\"configSchema\"")?;
    let Introduction { params: None, result } = serde_json::from_str(line).ok()? else {
        return None;
    };
    let is_alone = !["config", "kubeconfig", "env"].iter().any(|key| result.contains_key(*key));
    result.get("configSchema").filter(|_| is_alone).map(|schema| schema.get().to_owned())
}

/// Whether a value of a config may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Open,
    Hidden,
}

/// The parts of a schema with what they refer to, and with all that they allow instead; each
/// once, since they can lead to each other in many ways.
fn all_branches<'a>(root: &'a Value, parts: &[&'a Value]) -> Vec<&'a Value> {
    let (mut all, mut known) = (Vec::new(), HashSet::new());
    let mut left = parts.to_vec();
    while let Some(part) = left.pop() {
        if known.insert(std::ptr::from_ref(part)) {
            let lists = ["anyOf", "oneOf", "allOf"].map(|key| part.get(key)?.as_array());
            left.extend(lists.into_iter().flatten().flatten());
            left.push(resolve(root, part));
            all.push(part);
        }
    }
    all
}

/// The parts of a schema that are about a field.
fn below<'a>(parts: &[&'a Value], key: &str) -> Vec<&'a Value> {
    let of = |part: &&'a Value| match part.get("properties").and_then(|all| all.get(key)) {
        Some(property) => Some(property),
        None => part.get("additionalProperties"),
    };
    parts.iter().filter_map(of).collect()
}

/// What of a kubeconfig lets anyone in who has it.
fn credentials(kubeconfig: &str) -> Vec<String> {
    let is_secret = |key: &str| {
        let key = key.trim_start_matches(['-', ' ']);
        matches!(key, "token" | "password" | "client-certificate-data" | "client-key-data")
    };
    let pairs = kubeconfig.lines().filter_map(|line| line.split_once(':'));
    let secrets = pairs.filter(|(key, _)| is_secret(key));
    secrets.map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

/// A kubeconfig that a host can read and that leads nowhere.
fn stub(context: &str) -> String {
    let name = Value::from(context);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n\
         clusters: [{{name: {name}, cluster: {{server: \"https://127.0.0.1:1\"}}}}]\n\
         contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]\n\
         users: [{{name: {name}, user: {{}}}}]\n"
    )
}

/// A line that was meant as a message and cannot be read, without the kubeconfig in it.
fn without_kubeconfig(line: &str) -> String {
    let Some(key) = line.find("\"kubeconfig\"") else { return line.to_owned() };
    let after = key + "\"kubeconfig\"".len();
    let value = line[after..].trim_start_matches([' ', ':']);
    let Some(text) = value.strip_prefix('"') else { return line.to_owned() };
    let mut escaped = false;
    let end = text.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let rest = end.map_or("", |end| &text[end + 1..]);
    format!("{}:\"{HIDDEN})\"{rest}", &line[..after])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::secrets::in_json;
    use serde_json::json;

    fn told(schema: &Value) -> Mask {
        let mut mask = Mask::default();
        let reply = json!({"jsonrpc": "2.0", "id": 0, "result": {"configSchema": schema}});
        assert_eq!(mask.line(Side::Driver, &reply.to_string()), reply.to_string());
        mask
    }

    fn token() -> Value {
        json!({"properties": {"token": {"type": "string", "x-caproni-sensitive": true}}})
    }

    fn sent(mask: &mut Mask, config: &Value) -> Value {
        let request =
            json!({"jsonrpc": "2.0", "id": 1, "method": "start", "params": {"config": config}});
        let line = mask.line(Side::Host, &request.to_string());
        serde_json::from_str::<Value>(&line).unwrap()["params"]["config"].clone()
    }

    #[test]
    fn a_line_without_secrets_stays_as_it_is_to_the_letter() {
        let mut mask = told(&token());
        for line in ["", "hello", "{ \"a\" : 1.0 }", "{\"jsonrpc\":\"2.0\",\"id\":1.0}\r", "[1,"] {
            for from in [Side::Host, Side::Driver, Side::Stderr] {
                assert_eq!(mask.line(from, line), line);
            }
        }
    }

    #[test]
    fn what_is_heard_is_learnt_though_a_schema_is_read_only_with_a_config() {
        let secrets = Secrets::default();
        let mut mask = Mask::new(secrets.clone());
        let told = json!({"result": {"configSchema": token()}}).to_string();
        mask.hear(Side::Driver, told.as_bytes());
        assert_eq!(mask.schema, Value::Null);
        let config = |token: &str| json!({"params": {"config": {"token": token}}}).to_string();
        mask.hear(Side::Host, config("hunter2").as_bytes());
        assert_eq!(secrets.scrub("hunter2"), "(hidden 1)");
        // One that puts more there than belongs there.
        let more = json!({"result": {"configSchema": {}, "kubeconfig": "token: hunter3"}});
        mask.hear(Side::Driver, more.to_string().as_bytes());
        assert_eq!(secrets.scrub("hunter3"), "(hidden 2)");
        mask.hear(Side::Host, config("hunter4").as_bytes());
        assert_eq!(secrets.scrub("hunter4"), "hunter4", "by the last schema it is no secret");
    }

    #[test]
    fn sensitive_values_are_masked_at_every_depth_and_keep_their_shape() {
        let schema = json!({
            "properties": {
                "token": {"$ref": "#/$defs/Secret"},
                "env": {"type": "array", "x-caproni-sensitive": true},
                "users": {"type": "array", "items": {"$ref": "#/$defs/User"}},
                "keys": {"additionalProperties": {"$ref": "#/$defs/Secret"}},
                "either": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/User"}]},
                "pin": {"$ref": "#/$defs/Secret"},
                "open": {"type": "string"},
            },
            "$defs": {
                "Secret": {"type": ["string", "number", "null"], "x-caproni-sensitive": true},
                "User": {"properties": {"name": {}, "password": {"$ref": "#/$defs/Secret"}}},
            },
        });
        let config = json!({
            "token": "hunter2", "env": ["A=one", "B=hunter2"], "pin": 4711, "open": "seen",
            "users": [{"name": "ann", "password": "hunter2"}], "keys": {"k": "two"},
            "either": {"name": "bob", "password": null},
        });
        assert_eq!(
            sent(&mut told(&schema), &config),
            json!({
                "token": "(hidden 1)", "env": ["(hidden 2)", "(hidden 3)"], "pin": 0, "open": "seen",
                "users": [{"name": "ann", "password": "(hidden 1)"}], "keys": {"k": "(hidden 4)"},
                "either": {"name": "bob", "password": null},
            })
        );
    }

    #[test]
    fn a_deep_config_of_a_schema_that_refers_to_itself_takes_no_time() {
        let schema = json!({"properties": {
            "child": {"anyOf": [{"allOf": [{"$ref": "#"}]}, {"$ref": "#"}]},
            "token": {"type": "string", "x-caproni-sensitive": true},
        }});
        let config = |token: &str| {
            (0..60).fold(json!({ "token": token }), |inner, _| json!({ "child": inner }))
        };
        assert_eq!(sent(&mut told(&schema), &config("hunter2")), config("(hidden 1)"));
    }

    #[test]
    fn a_secret_is_masked_wherever_else_it_turns_up() {
        let mut mask = told(&token());
        sent(&mut mask, &json!({"token": "one: \"line\"\nKEY=hunter2 of many"}));
        for (from, line) in [
            (Side::Stderr, "login with hunter2 of many"),
            (Side::Driver, "debug: hunter2 of many"),
            (
                Side::Driver,
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x hunter2 of many"}}"#,
            ),
        ] {
            let shown = mask.line(from, line);
            assert!(!shown.contains("hunter2") && shown.contains("(hidden 1)"), "{shown}");
        }
    }

    #[test]
    fn a_secret_is_masked_in_whatever_json_it_turns_up() {
        let mut mask = told(&token());
        let secret = "hunter\"2 & \u{fc}";
        sent(&mut mask, &json!({ "token": secret }));
        let escaped = "hunter\\u00222 \\u0026 \\u00fc";
        for line in [
            json!({"level": "info", "message": format!("login with {secret}")}).to_string(),
            json!({"jsonrpc": "2.0", "method": "progress", "params": {secret: 1}}).to_string(),
            json!([{"token": [secret]}]).to_string(),
            format!("half a line {}", json!({"token": secret}).to_string().trim_end_matches('}')),
            format!("{{\"token\":\"{escaped}\"}}"),
            format!("{{\"a\":\"{escaped}\",\"a\":1}}").replace(escaped, &in_json(secret)),
        ] {
            for from in [Side::Driver, Side::Stderr] {
                let shown = mask.line(from, &line);
                assert!(!shown.contains("hunter"), "{from:?}: {shown}");
            }
        }
    }

    #[test]
    fn what_the_cluster_runs_with_is_masked_too() {
        let mut mask = told(&token());
        let sealed = "sha256:1c1a4d952bd7a5c0943e671c96557c94fa871433ae37b06a8cda610d621463b9";
        let reply = json!({"jsonrpc": "2.0", "id": 1, "result": {"state": "ready", "config": {"token": sealed}}});
        assert!(!mask.line(Side::Driver, &reply.to_string()).contains("1c1a"));
    }

    #[test]
    fn a_kubeconfig_becomes_one_that_leads_nowhere() {
        let mut mask = Mask::default();
        let kubeconfig = "users:\n- name: u\n  user:\n    token: s3cr3t-t0ken\n";
        let reply = json!({"jsonrpc": "2.0", "id": 1, "result": {"kubeconfig": kubeconfig, "context": "c: x"}});
        let shown: Value =
            serde_json::from_str(&mask.line(Side::Driver, &reply.to_string())).unwrap();
        assert_eq!(shown["result"]["kubeconfig"], stub("c: x"));
        assert_eq!(mask.line(Side::Stderr, "got s3cr3t-t0ken"), "got (hidden 1)");
        let broken = "oops{\"jsonrpc\":\"2.0\",\"result\":{\"kubeconfig\": \"a\\\"s3cret\", \"context\":\"c\"}}";
        assert_eq!(
            mask.line(Side::Driver, broken),
            "oops{\"jsonrpc\":\"2.0\",\"result\":{\"kubeconfig\":\"(hidden)\", \"context\":\"c\"}}"
        );
        let half = "oops{\"jsonrpc\":\"2.0\",\"result\":{\"kubeconfig\":\"s3cret";
        assert!(!mask.line(Side::Driver, half).contains("s3cret"));
    }

    #[test]
    fn the_variables_of_a_plan_are_masked() {
        let mut mask = Mask::default();
        let reply = json!({"jsonrpc": "2.0", "id": 1, "result": {"argv": ["x"], "env": {"TOKEN": "hunter2"}}});
        assert!(
            mask.line(Side::Driver, &reply.to_string()).contains(r#""env":{"TOKEN":"(hidden 1)"}"#)
        );
    }
}
