//! The config that a cluster really runs with, in the terms of the driver's section.

use std::collections::BTreeSet;

use caproni_engine::Binding;
use serde_json::{Map, Value, json};

use crate::cluster::Cluster;
use crate::config::MinikubeConfig;
use crate::profile::{Profile, is_default_addon};
use crate::{ports, size};

/// Tells a cluster's config, read from what minikube and the engine have of it.
///
/// Fields that minikube chooses when nobody does are told as far as `asked` asks for them, so
/// that its choice is no difference; with nothing asked for, all are told. A value that means
/// what is asked for is spelled as there.
pub(crate) fn config(
    cluster: &Cluster,
    profile: &Profile,
    asked: Option<&MinikubeConfig>,
) -> Value {
    let told = Told { profile, asked };
    let mut fields = Map::new();
    let chosen = [
        ("cpus", told.cpus()),
        ("memory", told.memory()),
        ("disk_size", told.disk_size()),
        ("kubernetes_version", told.kubernetes_version()),
        ("container_runtime", told.container_runtime()),
        ("vm_driver", told.vm_driver()),
    ];
    fields.extend(chosen.into_iter().filter_map(|(name, value)| Some((name.into(), value?))));
    fields.insert("nodes".into(), json!(profile.nodes.len()));
    fields.insert("ports".into(), json!(told.ports(&published(cluster, profile))));
    fields.insert("addons".into(), json!(told.addons()));
    // What else was asked for is known of a cluster that this driver made.
    if let Some(made) = cluster.asked() {
        fields.insert("extra_args".into(), json!(made.extra_args));
    }
    Value::Object(fields)
}

/// What the first node publishes for the user. minikube writes down what a later start asked
/// for, which a container that is there cannot take over, so the container is what counts.
fn published(cluster: &Cluster, profile: &Profile) -> Vec<Binding> {
    let containers = cluster.containers.iter().flatten();
    match containers.into_iter().find(|container| container.name == cluster.name) {
        Some(first) => ports::of_user(&first.bindings, profile.api_port()),
        None => profile.exposed_ports.iter().filter_map(|text| ports::parse(text).ok()).collect(),
    }
}

struct Told<'a> {
    profile: &'a Profile,
    asked: Option<&'a MinikubeConfig>,
}

impl Told<'_> {
    /// A field that minikube may have chosen: `wanted` picks what is asked for, and `is` says
    /// whether that is what the cluster has.
    fn chosen<T: Clone>(
        &self,
        wanted: impl Fn(&MinikubeConfig) -> Option<T>,
        is: impl Fn(&T) -> bool,
        real: T,
    ) -> Option<T> {
        match self.asked {
            None => Some(real),
            Some(asked) => wanted(asked).map(|wanted| if is(&wanted) { wanted } else { real }),
        }
    }

    fn cpus(&self) -> Option<Value> {
        let real = self.profile.cpus;
        self.chosen(|asked| asked.cpus, |_| false, real).map(|cpus| json!(cpus))
    }

    fn size(&self, wanted: impl Fn(&MinikubeConfig) -> Option<String>, real: u64) -> Option<Value> {
        let is = |text: &String| size::mebibytes(text) == Some(real);
        self.chosen(wanted, is, size::spelled(real)).map(|size| json!(size))
    }

    fn memory(&self) -> Option<Value> {
        self.size(|asked| asked.memory.clone(), self.profile.memory)
    }

    fn disk_size(&self) -> Option<Value> {
        self.size(|asked| asked.disk_size.clone(), self.profile.disk_size)
    }

    fn kubernetes_version(&self) -> Option<Value> {
        let real = &self.profile.kubernetes_config.kubernetes_version;
        let is = |wanted: &String| is_version(wanted, real);
        let told = self.chosen(|asked| asked.kubernetes_version.clone(), is, real.clone());
        told.map(|version| json!(version))
    }

    fn container_runtime(&self) -> Option<Value> {
        let real = &self.profile.kubernetes_config.container_runtime;
        let plain = |name: &str| name.replace("cri-o", "crio");
        let is = |wanted: &String| plain(wanted) == plain(real);
        let told = self.chosen(|asked| asked.container_runtime.clone(), is, real.clone());
        told.map(|runtime| json!(runtime))
    }

    fn vm_driver(&self) -> Option<Value> {
        let real = &self.profile.driver;
        let is = |wanted: &String| full_name(wanted) == real;
        let told = self.chosen(|asked| asked.vm_driver.clone(), is, real.clone());
        told.map(|driver| json!(driver))
    }

    fn ports(&self, published: &[Binding]) -> Vec<String> {
        match self.asked {
            Some(asked) if ports::mean(&asked.ports, published) => asked.ports.clone(),
            _ => published.iter().map(Binding::to_string).collect(),
        }
    }

    fn addons(&self) -> Vec<String> {
        let on = self.profile.addons_on();
        let asked = self.asked.map(|asked| asked.addons.as_slice()).unwrap_or_default();
        let wanted: BTreeSet<&str> =
            asked.iter().map(String::as_str).filter(|name| !is_default_addon(name)).collect();
        match wanted.iter().copied().eq(on.iter().map(String::as_str)) {
            true => asked.to_vec(),
            false => on,
        }
    }
}

/// Tells whether a version that was asked for is the one there is: `1.34` is any of its
/// patches, and `stable` and `latest` are what minikube took for that.
fn is_version(wanted: &str, real: &str) -> bool {
    if ["stable", "latest"].contains(&wanted) {
        return true;
    }
    let (wanted, real) = (wanted.trim_start_matches('v'), real.trim_start_matches('v'));
    let is_patch = wanted.split('.').count() == 2
        && real.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'));
    wanted == real || is_patch
}

/// minikube's own names of what it also takes under a short one.
fn full_name(driver: &str) -> &str {
    match driver {
        "qemu" => "qemu2",
        "kvm" => "kvm2",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::running;

    fn told(asked: Value) -> Value {
        let cluster = running();
        let asked = MinikubeConfig::trust(&asked).unwrap();
        config(&cluster, cluster.profile.as_ref().unwrap(), Some(&asked))
    }

    #[test]
    fn with_nothing_asked_for_all_is_told() {
        let cluster = running();
        let told = config(&cluster, cluster.profile.as_ref().unwrap(), None);
        assert_eq!(
            told,
            json!({
                "cpus": 2, "memory": "3000m", "disk_size": "20000m",
                "kubernetes_version": "v1.35.1", "container_runtime": "containerd",
                "vm_driver": "docker", "nodes": 1, "ports": [], "addons": [],
            })
        );
    }

    #[test]
    fn what_minikube_chose_is_told_only_when_it_is_asked_for() {
        assert_eq!(told(json!({})), json!({"nodes": 1, "ports": [], "addons": []}));
        let told = told(json!({"memory": "4g", "cpus": 2}));
        assert_eq!((&told["memory"], &told["cpus"]), (&json!("3000m"), &json!(2)));
        assert_eq!(told.get("vm_driver"), None);
    }

    #[test]
    fn another_spelling_of_what_there_is_is_told_as_it_is_asked_for() {
        for asked in [
            json!({"memory": "3000"}),
            json!({"memory": "3000MiB"}),
            json!({"kubernetes_version": "1.35.1"}),
            json!({"kubernetes_version": "v1.35"}),
            json!({"kubernetes_version": "stable"}),
            json!({"addons": ["storage-provisioner"]}),
        ] {
            let (field, value) = asked.as_object().unwrap().iter().next().unwrap();
            assert_eq!(&told(asked.clone())[field], value);
        }
        assert_eq!(told(json!({"kubernetes_version": "v1.3"}))["kubernetes_version"], "v1.35.1");
        assert_eq!(told(json!({"addons": ["ingress"]}))["addons"], json!([]));
    }

    #[test]
    fn short_names_mean_the_long_ones() {
        let mut cluster = running();
        let profile = cluster.profile.as_mut().unwrap();
        profile.driver = "qemu2".into();
        profile.kubernetes_config.container_runtime = "crio".into();
        let asked = json!({"vm_driver": "qemu", "container_runtime": "cri-o"});
        let asked = MinikubeConfig::trust(&asked).unwrap();
        let told = config(&cluster, cluster.profile.as_ref().unwrap(), Some(&asked));
        assert_eq!(
            (&told["vm_driver"], &told["container_runtime"]),
            (&json!("qemu"), &json!("cri-o"))
        );
    }
}
