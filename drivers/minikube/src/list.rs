//! `list`: every profile of minikube, by one look at all of them.

use caproni_driver::{Cluster, Clusters, Error, ErrorKind, Request, State};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::around::status;
use crate::events;
use crate::minikube::Minikube;
use crate::profile::Profile;

/// How many clusters are looked at at once: each is a minikube of its own, with some 100 MB.
const LOOKS_AT_ONCE: usize = 4;

/// Lists all clusters, whoever made them, half ones too.
///
/// # Errors
/// minikube's.
pub(crate) async fn list(request: &Request) -> Result<Clusters, Error> {
    let minikube = Minikube::find()?;
    let stdout = minikube.profiles(request).await?;
    let rows = read(&stdout).ok_or_else(|| {
        Error::new(ErrorKind::BackendFailed, "minikube's list of profiles cannot be read")
    })?;
    let looks = rows.into_iter().map(|row| cluster_of(request, &minikube, row));
    let clusters: Vec<_> = stream::iter(looks).buffered(LOOKS_AT_ONCE).try_collect().await?;
    Ok(Clusters::new(clusters.into_iter().flatten().collect()))
}

async fn cluster_of(
    request: &Request,
    minikube: &Minikube,
    row: Row,
) -> Result<Option<Cluster>, Error> {
    let note = minikube.home().note(&row.name);
    let half = note.is_ok_and(|note| note.is_some_and(|note| !note.finished));
    match row.state.clone().filter(|_| !half) {
        Some(state) => Ok(Some(row_of(&row.name, state, row.profile.as_ref()))),
        // What the list cannot tell takes a look of its own.
        None => look_at(request, &row).await,
    }
}

fn row_of(name: &str, state: State, profile: Option<&Profile>) -> Cluster {
    let version = profile.map(|profile| profile.kubernetes_config.kubernetes_version.clone());
    Cluster::new(name, state)
        .with_kubernetes_version(version.filter(|version| !version.is_empty()))
        .with_kube_context(name)
}

/// One cluster by its status. Others must be shown when this one cannot be.
async fn look_at(request: &Request, row: &Row) -> Result<Option<Cluster>, Error> {
    let state = match status(request, &row.name, None).await {
        Ok(status) if !status.exists => return Ok(None),
        Ok(status) => status.state,
        Err(error) if request.is_cancelled() => return Err(error),
        Err(_) => State::Other("unknown".into()),
    };
    Ok(Some(row_of(&row.name, state, row.profile.as_ref())))
}

/// One profile of minikube's list.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    name: String,
    /// Its state, where the list tells it.
    state: Option<State>,
    profile: Option<Profile>,
}

/// Reads `minikube profile list -o json`; `None` when it is no list.
pub(crate) fn read(stdout: &str) -> Option<Vec<Row>> {
    let list = events::answer(stdout)?;
    let rows = |kind: &str| Some(list.get(kind)?.as_array()?.clone());
    let all = rows("valid")?.into_iter().chain(rows("invalid")?);
    Some(all.filter_map(|row| read_row(&row)).collect())
}

fn read_row(row: &Value) -> Option<Row> {
    let name = row.get("Name")?.as_str()?.to_owned();
    let profile = row.get("Config").and_then(|c| serde_json::from_value(c.clone()).ok());
    Some(Row { name, state: row["Status"].as_str().and_then(state), profile })
}

/// What a word of the list means. `Starting` may be left from a start that was killed.
fn state(word: &str) -> Option<State> {
    match word {
        "OK" | "Running" | "HAppy" => Some(State::Ready),
        "Stopped" => Some(State::Stopped),
        "Paused" | "Degraded" | "Warning" | "InsufficientStorage" => Some(State::NotReady),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_list_is_read() {
        let rows = read(include_str!("../tests/recorded/v1.38/profile-list.json")).unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.state.clone())).collect();
        assert_eq!(told, [("mk-demo", Some(State::Ready))]);
        let stopped = include_str!("../tests/recorded/v1.38/profile-list-stopped.json");
        assert_eq!(read(stopped).unwrap()[0].state, Some(State::Stopped));
        let empty = include_str!("../tests/recorded/v1.38/profile-list-empty.json");
        assert_eq!(read(empty), Some(vec![]));
        assert_eq!(read("{\"error\":{}}"), None);
    }

    #[test]
    fn what_the_list_does_not_tell_is_not_guessed() {
        let list = r#"{"invalid":[{"Name":"half","Status":"","Config":null}],
            "valid":[{"Name":"silent","Status":""},{"Name":"slow","Status":"Starting"}]}"#;
        let rows = read(list).unwrap();
        assert!(rows.iter().all(|row| row.state.is_none()));
        assert_eq!(rows.len(), 3);
    }
}
