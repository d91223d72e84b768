//! What colima keeps of the last start that worked: the config that the machine really has.

use std::path::Path;

use caproni_driver::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::machine::Machine;
use crate::record::Record;
use crate::size::Size;

/// The machine's `colima.yaml`, as far as it counts here.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Saved {
    cpu: Option<u32>,
    /// GiB.
    memory: Option<f64>,
    /// GiB.
    disk: Option<f64>,
    arch: Option<String>,
    runtime: Option<String>,
    vm_type: Option<String>,
    hostname: Option<String>,
    mounts: Option<Vec<Mount>>,
    kubernetes: Kubernetes,
    network: Network,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kubernetes {
    enabled: bool,
    version: Option<String>,
    k3s_args: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Network {
    address: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Mount {
    location: String,
    mount_point: Option<String>,
    writable: bool,
}

impl Saved {
    /// Reads the file of a machine; `None` when it was never started with success.
    ///
    /// # Errors
    /// `BackendFailed` when the file is damaged.
    pub(crate) fn read(machine: &Machine) -> Result<Option<Self>, Error> {
        let path = machine.state_file();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map(Some).map_err(|wrong| damaged(&path, &wrong)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(damaged(&path, &error.to_string())),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    /// Whether it is a cluster at all, and not a machine for containers only.
    pub(crate) fn has_kubernetes(&self) -> bool {
        self.kubernetes.enabled
    }

    /// k3s' version.
    pub(crate) fn version(&self) -> Option<&str> {
        self.kubernetes.version.as_deref().filter(|version| !version.is_empty())
    }

    /// The name of the machine, which is that of its Kubernetes node.
    pub(crate) fn hostname(&self) -> Option<&str> {
        self.hostname.as_deref().filter(|name| !name.is_empty())
    }

    /// What runs containers in it: `docker` or `containerd`.
    pub(crate) fn runtime(&self) -> Option<&str> {
        self.runtime.as_deref()
    }

    /// The config in the terms of the driver's schema; without the fields that cannot be told.
    pub(crate) fn config(&self, record: Option<&Record>) -> Value {
        let mut config = Map::new();
        let mut tell = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                config.insert(name.into(), value);
            }
        };
        let size = |gib: Option<f64>| gib.and_then(Size::from_gib).map(|size| json!(size));
        tell("memory", size(self.memory));
        tell("cores", self.cpu.map(Into::into));
        tell("disk", size(self.disk));
        tell("kubernetes_version", self.version().map(Into::into));
        tell("runtime", self.runtime.clone().map(Into::into));
        tell("vm_type", self.vm_type.clone().map(Into::into));
        tell("arch", self.arch.as_deref().map(|arch| real_arch(arch).into()));
        tell("mounts", self.mounts(record).map(Into::into));
        tell("network_address", Some(self.network.address.into()));
        let k3s_args = self.kubernetes.k3s_args.as_deref().unwrap_or_default();
        tell("k3s_args", Some(k3s_args.iter().map(|arg| unquoted(arg)).collect()));
        tell("extra_args", record.map(|record| json!(record.extra_args)));
        Value::Object(config)
    }

    /// colima writes "the home folder" and "nothing" alike, as no mounts; then what was asked for
    /// counts, unless that was something else.
    fn mounts(&self, record: Option<&Record>) -> Option<Vec<String>> {
        let listed = self.mounts.as_deref().unwrap_or_default();
        if listed.is_empty() {
            let asked = &record?.mounts;
            let is_none = asked.iter().all(|mount| mount == "none");
            return is_none.then(|| asked.clone());
        }
        Some(listed.iter().map(Mount::to_flag).collect())
    }
}

impl Mount {
    fn to_flag(&self) -> String {
        let point = self.mount_point.as_deref().filter(|point| !point.is_empty());
        let point = point.map(|point| format!(":{point}")).unwrap_or_default();
        format!("{}{point}{}", self.location, if self.writable { ":w" } else { "" })
    }
}

/// `host` is what this machine has.
fn real_arch(arch: &str) -> &str {
    match arch {
        "host" | "" => std::env::consts::ARCH,
        "arm64" => "aarch64",
        "amd64" => "x86_64",
        other => other,
    }
}

/// The argument that was quoted for the shell in the machine.
fn unquoted(arg: &str) -> String {
    match shlex::split(arg).as_deref() {
        Some([one]) => one.clone(),
        _ => arg.to_owned(),
    }
}

fn damaged(path: &Path, wrong: &str) -> Error {
    let message = format!("cannot read `{}`: {wrong}", path.display());
    Error::new(ErrorKind::BackendFailed, message).with_hint(
        "run `colima start` for this profile, which writes it anew, or `caproni destroy`",
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What colima wrote for a cluster with 2 cores, 2 GiB of memory and 10 GiB of disk.
    pub(crate) fn recorded() -> Saved {
        Saved::parse(include_str!("../tests/recorded/v0.10.3/state.yaml")).unwrap()
    }

    #[test]
    fn the_config_is_that_of_the_last_start_that_worked() {
        let config = recorded().config(Some(&Record::default()));
        assert_eq!(
            config,
            json!({
                "memory": "2GiB", "cores": 2, "disk": "10GiB",
                "kubernetes_version": "v1.35.0+k3s1", "runtime": "docker", "vm_type": "qemu",
                "arch": "x86_64", "mounts": [], "network_address": false,
                "k3s_args": ["--disable=traefik"], "extra_args": [],
            })
        );
    }

    #[test]
    fn what_only_the_driver_knows_is_not_told_of_a_machine_that_it_did_not_make() {
        let config = recorded().config(None);
        assert_eq!((config.get("mounts"), config.get("extra_args")), (None, None));
    }

    #[test]
    fn mounts_are_told_as_they_are_asked_for() {
        let text = include_str!("../tests/recorded/v0.10.3/state-mounts.yaml");
        let config = Saved::parse(text).unwrap().config(None);
        assert_eq!(config["mounts"], json!(["/tmp/one:w", "/tmp/two:/in/it"]));
        assert_eq!(
            config["k3s_args"],
            json!(["--disable=traefik,servicelb", "--kubelet-arg=a=b c"])
        );
        assert_eq!(config["memory"], "1536MiB");
    }

    #[test]
    fn no_mounts_at_all_are_what_was_asked_for() {
        let none = Record { mounts: vec!["none".into()], ..Record::default() };
        assert_eq!(recorded().config(Some(&none))["mounts"], json!(["none"]));
        let other = Record { mounts: vec!["/a".into()], ..Record::default() };
        assert_eq!(recorded().config(Some(&other)).get("mounts"), None);
    }

    #[test]
    fn a_machine_for_containers_only_is_no_cluster() {
        assert!(recorded().has_kubernetes());
        assert!(
            !Saved::parse("runtime: docker\nkubernetes:\n  enabled: false\n")
                .unwrap()
                .has_kubernetes()
        );
        assert!(Saved::parse("runtime: [\n").is_err());
    }
}
