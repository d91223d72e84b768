//! The kubeconfig of a cluster, as minikube writes it, with the credentials in it.
//!
//! minikube names the files in which they are; `--embed-certs` would put them in, into the
//! user's own kubeconfig, and only when the cluster starts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caproni_driver::{Error, ErrorKind, Kubeconfig, Request};
use serde_json::Value;

use crate::config::check_profile;
use crate::minikube::Minikube;

/// The keys that name a file; with `-data` behind them they hold what is in it.
const FILES: [&str; 3] = ["certificate-authority", "client-certificate", "client-key"];

/// Gives the kubeconfig of a cluster that runs: where its API is, nobody knows of one that is
/// stopped.
///
/// # Errors
/// `ClusterNotRunning`, and minikube's.
pub(crate) async fn kubeconfig(request: &Request, profile: &str) -> Result<Kubeconfig, Error> {
    check_profile(profile)?;
    let minikube = Minikube::find()?;
    let text = match minikube.context(request, profile).await {
        Ok(text) => text,
        Err(error) if error.kind() == &ErrorKind::ClusterNotRunning => {
            return Err(not_running(profile, error));
        }
        Err(error) => return Err(error),
    };
    let read = |path: &str| std::fs::read(path);
    let text = embed(&text, profile, read).map_err(|why| {
        let message = format!("minikube's kubeconfig of cluster `{profile}` cannot be used: {why}");
        Error::new(ErrorKind::BackendFailed, message)
    })?;
    Ok(Kubeconfig::new(text, profile))
}

fn not_running(profile: &str, cause: Error) -> Error {
    Error::new(ErrorKind::ClusterNotRunning, format!("cluster `{profile}` is not running"))
        .with_hint("run `caproni start`")
        .with_cause(cause)
}

/// Puts what is in the named files in their place, and keeps the one context.
pub(crate) fn embed(
    text: &str,
    context: &str,
    read: impl Fn(&str) -> std::io::Result<Vec<u8>>,
) -> Result<String, String> {
    let mut config: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    if config["current-context"] != context {
        return Err(format!("its context is not `{context}`"));
    }
    for (list, part) in [("clusters", "cluster"), ("users", "user")] {
        let entries = config.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for fields in entries.filter_map(|entry| entry.get_mut(part)?.as_object_mut()) {
            for key in FILES {
                let Some(Value::String(path)) = fields.remove(key) else { continue };
                let content = read(&path).map_err(|error| format!("`{path}`: {error}"))?;
                fields.insert(format!("{key}-data"), STANDARD.encode(content).into());
            }
        }
    }
    // Certificates as other programs write them, on one line each.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&config, options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIKUBE: &str = include_str!("../tests/recorded/v1.38/update-context.kubeconfig");

    #[test]
    fn what_is_in_the_files_takes_the_place_of_their_names() {
        let text = embed(MINIKUBE, "mk-demo", |path| Ok(path.as_bytes().to_vec())).unwrap();
        let config: Value = serde_saphyr::from_str(&text).unwrap();
        let user = &config["users"][0]["user"];
        let key = STANDARD.decode(user["client-key-data"].as_str().unwrap()).unwrap();
        assert!(String::from_utf8(key).unwrap().ends_with("profiles/mk-demo/client.key"));
        assert!(user.get("client-key").is_none() && user["client-certificate-data"].is_string());
        let cluster = &config["clusters"][0]["cluster"];
        assert!(cluster["certificate-authority-data"].is_string());
        assert!(cluster["server"].as_str().unwrap().starts_with("https://192.168."));
        assert_eq!(config["current-context"], "mk-demo");
    }

    #[test]
    fn a_file_that_is_gone_is_named() {
        let gone = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        assert!(embed(MINIKUBE, "mk-demo", gone).unwrap_err().contains("ca.crt"));
        assert!(embed(MINIKUBE, "other", gone).unwrap_err().contains("`other`"));
        assert!(embed("\t", "mk-demo", gone).is_err());
    }

    #[test]
    fn entries_that_hold_nothing_are_no_crash() {
        let read = |path: &str| Ok(path.into());
        for text in ["clusters: [a, []]\nusers: 3\n", "clusters: [{cluster: a}]\n", ""] {
            let text = format!("current-context: mk-demo\n{text}");
            assert!(embed(&text, "mk-demo", read).is_ok(), "{text}");
        }
    }
}
