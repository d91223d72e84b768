//! The params' types against the contract: a driver that says what it was asked.

use jsonrpsee::RpcModule;
use serde_json::{Value, json};

use super::*;
use crate::contract::DriverServer;
use crate::error::{Error, ErrorKind};
use crate::{Extensions, async_trait};

/// Answers every request with what it was asked, as JSON.
struct Echo;

fn heard<T>(params: Value) -> Result<T, Error> {
    let mut error = Error::new(ErrorKind::Other("Heard".into()), "heard");
    error.data.more.insert("params".into(), params);
    Err(error)
}

fn heard_of_cluster<T>(
    profile: String,
    config: Option<Value>,
    timeout_ms: Option<u64>,
) -> Result<T, Error> {
    heard(json!({"profile": profile, "config": config, "timeoutMs": timeout_ms}))
}

#[async_trait]
impl DriverServer for Echo {
    async fn initialize(&self, versions: Vec<u32>, host: Peer) -> Result<Description, Error> {
        heard(json!({"protocolVersions": versions, "host": host}))
    }

    async fn start(
        &self,
        _: &Extensions,
        profile: String,
        config: Value,
        timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        heard_of_cluster(profile, Some(config), timeout_ms)
    }

    async fn stop(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        heard_of_cluster(profile, config, timeout_ms)
    }

    async fn destroy(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        heard_of_cluster(profile, config, timeout_ms)
    }

    async fn status(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Status, Error> {
        heard_of_cluster(profile, config, timeout_ms)
    }

    async fn restart(
        &self,
        _: &Extensions,
        profile: String,
        config: Value,
        timeout_ms: Option<u64>,
    ) -> Result<Outcome, Error> {
        heard_of_cluster(profile, Some(config), timeout_ms)
    }

    async fn kubeconfig(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Kubeconfig, Error> {
        heard_of_cluster(profile, config, timeout_ms)
    }

    async fn version(&self, _: &Extensions, timeout_ms: Option<u64>) -> Result<Versions, Error> {
        heard(json!({"timeoutMs": timeout_ms}))
    }

    async fn list(&self, _: &Extensions, timeout_ms: Option<u64>) -> Result<Clusters, Error> {
        heard(json!({"timeoutMs": timeout_ms}))
    }

    async fn exec(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
        node: Option<String>,
        argv: Option<Vec<String>>,
        tty: Option<bool>,
    ) -> Result<Plan, Error> {
        heard(json!({
            "profile": profile, "config": config, "timeoutMs": timeout_ms,
            "node": node, "argv": argv, "tty": tty,
        }))
    }

    async fn logs(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
        node: Option<String>,
        follow: Option<bool>,
        tail: Option<u64>,
    ) -> Result<Plan, Error> {
        heard(json!({
            "profile": profile, "config": config, "timeoutMs": timeout_ms,
            "node": node, "follow": follow, "tail": tail,
        }))
    }

    async fn usage(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Usage, Error> {
        heard_of_cluster(profile, config, timeout_ms)
    }

    async fn diagnose(
        &self,
        _: &Extensions,
        profile: Option<String>,
        config: Option<Value>,
        timeout_ms: Option<u64>,
    ) -> Result<Diagnosis, Error> {
        heard(json!({"profile": profile, "config": config, "timeoutMs": timeout_ms}))
    }

    async fn load_image(
        &self,
        _: &Extensions,
        profile: String,
        config: Option<Value>,
        timeout_ms: Option<u64>,
        images: Vec<String>,
    ) -> Result<Outcome, Error> {
        heard(json!({
            "profile": profile, "config": config, "timeoutMs": timeout_ms, "images": images,
        }))
    }
}

/// Params of a method with every field that its type has.
fn full(method: &str) -> Value {
    let profile = || Profile("demo".into());
    let config = || Config::from_iter([("servers".into(), json!(3))]);
    let cluster =
        || ClusterParams { profile: profile(), config: Some(config()), timeout_ms: Some(7) };
    match method {
        "initialize" => {
            json!(InitializeParams { protocol_versions: vec![1], host: Peer::new("a", "b") })
        }
        "start" | "restart" => {
            json!(StartParams { profile: profile(), config: config(), timeout_ms: Some(7) })
        }
        "stop" | "destroy" | "status" | "kubeconfig" | "usage" => json!(cluster()),
        "version" | "list" => json!(NoParams { timeout_ms: Some(7) }),
        "exec" => json!(ExecParams {
            cluster: cluster(),
            node: Some("a".into()),
            argv: Some(vec!["b".into()]),
            tty: Some(true),
        }),
        "logs" => json!(LogsParams {
            cluster: cluster(),
            node: Some("a".into()),
            follow: Some(true),
            tail: Some(9),
        }),
        "diagnose" => json!(DiagnoseParams {
            profile: Some(profile()),
            config: Some(config()),
            timeout_ms: Some(7),
        }),
        "loadImage" => json!(LoadImageParams { cluster: cluster(), images: vec!["c".into()] }),
        other => panic!("no such method: {other}"),
    }
}

/// What the driver heard, or the code with which the request was refused.
async fn ask(driver: &RpcModule<Echo>, method: &str, params: &Value) -> Result<Value, i64> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let (reply, _) = driver.raw_json_request(&request.to_string(), 1).await.expect("a request");
    let reply: Value = serde_json::from_str(reply.get()).expect("JSON");
    let error = &reply["error"];
    error["data"].get("params").cloned().ok_or(error["code"].as_i64().expect("a code"))
}

#[test]
fn the_methods_are_those_of_the_contract() {
    let driver = Echo.into_rpc();
    let mut contract: Vec<_> = driver.method_names().collect();
    let mut listed: Vec<_> = METHODS.iter().map(|method| method.name).collect();
    contract.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, contract);
}

#[tokio::test]
async fn every_field_of_the_params_reaches_the_contract_as_it_is() {
    let driver = Echo.into_rpc();
    for method in &METHODS {
        let params = full(method.name);
        assert_eq!(ask(&driver, method.name, &params).await, Ok(params), "{}", method.name);
    }
}

#[tokio::test]
async fn the_fields_that_the_schema_requires_are_those_that_the_contract_requires() {
    let driver = Echo.into_rpc();
    for method in &METHODS {
        let schema = (method.params)(&mut Definitions::under("/$defs"));
        let full = full(method.name);
        let fields = full.as_object().expect("an object");
        let known = schema["properties"].as_object().expect("it has fields");
        assert!(known.keys().eq(fields.keys()), "{}: {known:?}", method.name);
        for field in known.keys() {
            let mut params = full.clone();
            params.as_object_mut().expect("an object").remove(field);
            let required = schema["required"].as_array().into_iter().flatten();
            let is_required = required.into_iter().any(|name| name == field);
            let answered = ask(&driver, method.name, &params).await;
            let expected = if is_required { Err(-32602) } else { answered.clone() };
            assert_eq!(answered, expected, "{} without {field}", method.name);
            assert_eq!(answered.is_err(), is_required, "{} without {field}", method.name);
        }
    }
}
