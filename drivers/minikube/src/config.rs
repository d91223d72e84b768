//! The driver's section in `caproni.yaml`.

use caproni_driver::{ConfigSchema, Error, ErrorKind, Violation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ports, size};

/// The node drivers whose nodes are containers, which alone can publish ports.
const CONTAINER_DRIVERS: [&str; 2] = ["docker", "podman"];

/// Flags of `minikube start` that are fields of the section, or that this driver sets itself.
const TAKEN: [(&str, Option<&str>); 16] = [
    ("--cpus", Some("cpus")),
    ("--memory", Some("memory")),
    ("--disk-size", Some("disk_size")),
    ("--nodes", Some("nodes")),
    ("-n", Some("nodes")),
    ("--kubernetes-version", Some("kubernetes_version")),
    ("--container-runtime", Some("container_runtime")),
    ("--driver", Some("vm_driver")),
    ("--vm-driver", Some("vm_driver")),
    ("--ports", Some("ports")),
    ("--addons", Some("addons")),
    ("--profile", None),
    ("-p", None),
    ("--output", None),
    ("-o", None),
    ("--keep-context", None),
];

/// A minikube cluster: containers or virtual machines that run Kubernetes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MinikubeConfig {
    /// Number of processor cores of each node. Without it minikube chooses.
    #[schemars(range(min = 1), extend("x-caproni-change" = "recreate"))]
    pub(crate) cpus: Option<u32>,
    /// Memory of each node, such as `4g`; a bare number is in MiB. Without it minikube chooses.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT]([iI]?[bB])?|[bB])?$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) memory: Option<String>,
    /// Disk of each node that is a virtual machine, such as `20g`; a bare number is in MiB.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT]([iI]?[bB])?|[bB])?$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) disk_size: Option<String>,
    /// Number of nodes; the first one runs the control plane.
    #[serde(default = "one")]
    #[schemars(range(min = 1), extend("x-caproni-change" = "recreate"))]
    pub(crate) nodes: u32,
    /// Version of Kubernetes, such as `v1.34.1`, `v1.34`, `stable` or `latest`. Without it minikube chooses.
    #[schemars(regex(pattern = r"^(v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[0-9A-Za-z.-]+)?|stable|latest)$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) kubernetes_version: Option<String>,
    /// What runs the containers in the nodes: `docker`, `containerd` or `cri-o`. Without it minikube chooses.
    #[schemars(regex(pattern = r"^(docker|containerd|cri-o|crio)$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) container_runtime: Option<String>,
    /// What the nodes are made with: `docker`, `podman`, `kvm2`, `qemu`, `virtualbox`, `vfkit`, … Without it minikube chooses.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9]*$"), extend("x-caproni-change" = "recreate"))]
    pub(crate) vm_driver: Option<String>,
    /// Ports published on the host: `[HOST:][HOSTPORT:]CONTAINERPORT[/PROTOCOL]`, where the nodes are containers.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^(\S*:)?[0-9]{1,5}(/(tcp|udp|sctp))?$")), extend("x-caproni-change" = "recreate"))]
    pub(crate) ports: Vec<String>,
    /// Addons besides minikube's own default ones, such as `ingress`. They change while the cluster runs.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[a-z0-9][a-z0-9-]*$")), extend("x-caproni-change" = "live"))]
    pub(crate) addons: Vec<String>,
    /// More arguments for `minikube start`, each passed as it is and after all others. They are kept with the cluster in the clear: no place for secrets.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) extra_args: Vec<String>,
}

fn one() -> u32 {
    1
}

/// The JSON Schema of [`MinikubeConfig`].
pub(crate) fn schema() -> &'static ConfigSchema {
    static SCHEMA: ConfigSchema = ConfigSchema::of_text(include_str!("../config.schema.json"));
    &SCHEMA
}

impl MinikubeConfig {
    /// Reads the config of a request, and refuses what the schema cannot say.
    ///
    /// # Errors
    /// `InvalidDriverConfig` with each field that cannot work.
    pub(crate) fn read(config: &Value) -> Result<Self, Error> {
        let config = Self::trust(config)
            .map_err(|why| Error::invalid_config(vec![Violation::new("", why)]))?;
        let violations = config.violations();
        if violations.is_empty() { Ok(config) } else { Err(Error::invalid_config(violations)) }
    }

    /// Reads a config that need not work, such as one that is only compared with.
    ///
    /// # Errors
    /// One line that says why it is none.
    pub(crate) fn trust(config: &Value) -> Result<Self, String> {
        let complete = caproni_driver::config::complete(schema(), config);
        serde_json::from_value(complete).map_err(|error| error.to_string())
    }

    /// Tells whether its nodes are containers of the Docker engine by the user's own word.
    pub(crate) fn wants_docker(&self) -> bool {
        self.vm_driver.as_deref() == Some("docker")
    }

    fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        if self.nodes == 0 {
            found.push(Violation::new("nodes", "a cluster has at least one node"));
        }
        for (field, value) in [("memory", &self.memory), ("disk_size", &self.disk_size)] {
            if let Some(text) = value.as_ref().filter(|text| size::mebibytes(text).is_none()) {
                found.push(Violation::new(field, format!("`{text}` is no size")));
            }
        }
        let bad_ports = self.ports.iter().filter_map(|text| ports::parse(text).err());
        found.extend(bad_ports.map(|why| Violation::new("ports", why)));
        if let Some(driver) = self.vm_driver.as_deref()
            && !self.ports.is_empty()
            && !CONTAINER_DRIVERS.contains(&driver)
        {
            let why = format!("`{driver}` makes virtual machines, which publish no ports");
            found.push(Violation::new("ports", why));
        }
        found.extend(self.extra_args.iter().filter_map(|arg| taken(arg)));
        found
    }
}

/// Refuses an argument that would make another cluster than the section says.
fn taken(arg: &str) -> Option<Violation> {
    let name = arg.split('=').next().unwrap_or(arg);
    let (_, field) = TAKEN.iter().find(|(flag, _)| *flag == name)?;
    let why = match field {
        Some(field) => format!("`{name}` is the field `{field}`"),
        None => format!("`{name}` is set by caproni"),
    };
    Some(Violation::new("extra_args", why))
}

/// Refuses a profile that minikube would not take.
///
/// # Errors
/// `InvalidDriverConfig`.
pub(crate) fn check_profile(profile: &str) -> Result<(), Error> {
    caproni_driver::check_profile(profile)?;
    if profile.len() >= 2 {
        return Ok(());
    }
    let message = format!("profile `{profile}` is too short for minikube");
    Err(Error::new(ErrorKind::InvalidDriverConfig, message)
        .with_hint("choose a profile of at least 2 characters"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(config: Value) -> Vec<String> {
        let error = MinikubeConfig::read(&config).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        error.data.violations.into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn the_schema_that_is_told_is_that_of_the_type() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
        caproni_driver::testing::check_schema::<MinikubeConfig>(file);
    }

    #[test]
    fn an_empty_section_is_a_whole_config() {
        let config = MinikubeConfig::read(&json!({})).unwrap();
        assert_eq!((config.nodes, config.cpus, config.memory), (1, None, None));
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_field() {
        assert_eq!(refused(json!({"nodes": 0})), ["nodes"]);
        assert_eq!(refused(json!({"memory": "lots"})), ["memory"]);
        assert_eq!(refused(json!({"ports": ["80-82:80-82"]})), ["ports"]);
        assert_eq!(refused(json!({"ports": ["80"], "vm_driver": "kvm2"})), ["ports"]);
        assert_eq!(refused(json!({"cpu": 1})), [""]);
    }

    #[test]
    fn an_argument_that_is_a_field_is_refused() {
        for arg in ["--memory=4g", "--nodes", "--driver", "-p", "-o=json"] {
            assert_eq!(refused(json!({"extra_args": [arg]})), ["extra_args"], "{arg}");
        }
        assert!(
            MinikubeConfig::read(&json!({"extra_args": ["--force", "--cni", "calico"]})).is_ok()
        );
    }

    #[test]
    fn a_profile_of_one_letter_is_refused_before_anything_is_done() {
        assert!(check_profile("ab").is_ok());
        assert_eq!(check_profile("a").unwrap_err().kind(), &ErrorKind::InvalidDriverConfig);
    }

    #[test]
    fn every_field_says_what_it_is_and_what_its_change_costs() {
        for (name, property) in schema()["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{name} has no description");
            assert!(property["x-caproni-change"].is_string(), "{name} has no cost");
        }
        assert_eq!(schema()["additionalProperties"], false);
        assert_eq!(schema()["properties"]["nodes"]["default"], 1);
        assert_eq!(schema()["properties"]["addons"]["x-caproni-change"], "live");
    }
}
