//! Which Kubernetes nodes run: a file in their image says it.

use std::collections::BTreeMap;

use caproni_driver::Error;
use caproni_engine::{Container, Engine, Listed};
use futures_util::future::try_join_all;

use crate::role::Role;

/// The file in each node that says which Kubernetes its image holds.
const FILE: &str = "/kind/version";

/// Reads the version of a cluster from its first control plane.
///
/// # Errors
/// As [`Engine::connect`].
pub(crate) async fn read(engine: &Engine, nodes: &[Container]) -> Result<Option<String>, Error> {
    let Some(node) = nodes.iter().find(|node| is_control_plane(node)) else { return Ok(None) };
    of_node(engine, &node.id).await
}

/// Which image the control planes of many clusters are made of: the file is the same in all nodes
/// of one image, so that one of them is asked.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// The containers of each image, by its id.
    containers: BTreeMap<String, Vec<String>>,
    /// The image of each cluster.
    of_cluster: BTreeMap<String, String>,
}

impl Images {
    /// Takes note of a container of a cluster.
    pub(crate) fn add(&mut self, cluster: &str, listed: &Listed) {
        if Role::listed(listed) != Some(Role::ControlPlane) {
            return;
        }
        let id = listed.id.clone();
        let image = listed.image_id.clone().unwrap_or_else(|| id.clone());
        self.of_cluster.entry(cluster.into()).or_insert_with(|| image.clone());
        self.containers.entry(image).or_default().push(id);
    }

    /// Reads the version of each cluster.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn versions(
        &self,
        engine: &Engine,
    ) -> Result<BTreeMap<String, String>, Error> {
        let of_image = self.containers.iter().map(|(image, containers)| async move {
            Ok((image, of_any(engine, containers).await?))
        });
        let of_image: BTreeMap<_, _> = try_join_all(of_image).await?.into_iter().collect();
        let version = |image: &String| of_image.get(image).cloned().flatten();
        let clusters = self.of_cluster.iter();
        Ok(clusters.filter_map(|(name, image)| Some((name.clone(), version(image)?))).collect())
    }
}

/// Of the first that is there still and has it.
async fn of_any(engine: &Engine, containers: &[String]) -> Result<Option<String>, Error> {
    for container in containers {
        let version = of_node(engine, container).await?;
        if version.is_some() {
            return Ok(version);
        }
    }
    Ok(None)
}

async fn of_node(engine: &Engine, container: &str) -> Result<Option<String>, Error> {
    let text = engine.read_lasting_file(container, FILE).await?;
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| text.starts_with('v')))
}

fn is_control_plane(node: &Container) -> bool {
    Role::of(node) == Some(Role::ControlPlane)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn clusters_of_one_image_are_asked_together() {
        let mut images = Images::default();
        let node = |id: &str, image: Option<&str>, role: &str| {
            let labels = json!({"io.x-k8s.kind.role": role});
            serde_json::from_value(json!({"Id": id, "ImageID": image, "Labels": labels})).unwrap()
        };
        images.add("a", &node("1", Some("x"), "control-plane"));
        images.add("a", &node("2", Some("x"), "worker"));
        images.add("b", &node("3", Some("x"), "control-plane"));
        images.add("c", &node("4", None, "control-plane"));
        let of = |image: &str| images.containers[image].iter().map(String::as_str).collect();
        let (same, unknown): (Vec<&str>, Vec<&str>) = (of("x"), of("4"));
        assert_eq!((same, unknown), (vec!["1", "3"], vec!["4"]));
        let clusters: Vec<_> = images.of_cluster.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(clusters, [("a", "x"), ("b", "x"), ("c", "4")]);
    }
}
