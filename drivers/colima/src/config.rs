//! The driver's section in `caproni.yaml`.

use caproni_driver::{ConfigSchema, Error, ErrorKind, Violation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::size::Size;

/// A colima cluster: k3s in a virtual machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColimaConfig {
    /// Memory of the virtual machine, such as `12GiB`.
    #[serde(default = "four_gib")]
    #[schemars(extend("x-caproni-change" = "restart"))]
    pub(crate) memory: Size,
    /// Number of its processor cores.
    #[serde(default = "two")]
    #[schemars(range(min = 1), extend("x-caproni-change" = "restart"))]
    pub(crate) cores: u32,
    /// Size of its disk for images, volumes and the cluster's state, such as `100GiB`. It can grow, and never shrink.
    #[serde(default = "hundred_gib")]
    #[schemars(extend("x-caproni-change" = "restart"))]
    pub(crate) disk: Size,
    /// The version of k3s, such as `v1.35.0+k3s1`. Without it colima chooses.
    #[schemars(regex(pattern = r"^v[0-9][A-Za-z0-9.+-]*$"), extend("x-caproni-change" = "restart"))]
    pub(crate) kubernetes_version: Option<String>,
    /// The container runtime. For `docker` the `docker` command must be installed.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) runtime: Runtime,
    /// The kind of virtual machine; on Linux it is always `qemu`. Without it colima chooses.
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) vm_type: Option<VmType>,
    /// The machine's processor architecture. Without it that of this machine.
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) arch: Option<Arch>,
    /// Folders of this machine to mount: `FOLDER[:MOUNTPOINT][:w]`, with `:w` writable; `none` alone mounts nothing. Without any the home folder is mounted, writable.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^(none|[~/][^:,]*(:/[^:,]*)?(:w)?)$")), extend("x-caproni-change" = "restart"))]
    pub(crate) mounts: Vec<String>,
    /// Whether the machine gets an address of its own that this machine can reach; on macOS only. It cannot be taken away again.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "restart"))]
    pub(crate) network_address: bool,
    /// Arguments for k3s, each passed as it is.
    #[serde(default = "no_traefik")]
    #[schemars(inner(length(min = 1)), extend("x-caproni-change" = "restart"))]
    pub(crate) k3s_args: Vec<String>,
    /// More arguments for `colima start`, each passed as it is and after all others. They are kept with the cluster in the clear: no place for secrets.
    #[serde(default)]
    #[schemars(extend("x-caproni-change" = "recreate"))]
    pub(crate) extra_args: Vec<String>,
}

/// What runs containers in the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runtime {
    /// Docker.
    #[default]
    Docker,
    /// containerd.
    Containerd,
}

/// A kind of virtual machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VmType {
    /// QEMU.
    Qemu,
    /// Apple's own.
    Vz,
    /// krunkit, for machines that use the graphics processor.
    Krunkit,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arch {
    /// 64-bit ARM.
    Aarch64,
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
}

/// The operating systems that colima knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    /// macOS.
    Mac,
    /// Linux.
    Linux,
}

impl Platform {
    /// The one that this is.
    pub(crate) const THIS: Self = if cfg!(target_os = "macos") { Self::Mac } else { Self::Linux };
}

impl ColimaConfig {
    /// Reads a config that the host has checked against the schema.
    ///
    /// # Errors
    /// `InvalidDriverConfig` when it is not as the schema says, or cannot work on the platform.
    pub(crate) fn read(config: &Value, platform: Platform) -> Result<Self, Error> {
        let config: Self = serde_json::from_value(config.clone()).map_err(|error| {
            Error::new(
                ErrorKind::InvalidDriverConfig,
                format!("the config cannot be read: {error}"),
            )
        })?;
        let wrong = config.wrong(platform);
        if wrong.is_empty() { Ok(config) } else { Err(Error::invalid_config(wrong)) }
    }

    fn wrong(&self, platform: Platform) -> Vec<Violation> {
        let on_mac_only = || "there is no such thing on Linux".to_owned();
        let mut wrong = Vec::new();
        if platform == Platform::Linux {
            if self.vm_type.is_some_and(|kind| kind != VmType::Qemu) {
                wrong.push(Violation::new("vm_type", on_mac_only()));
            }
            if self.network_address {
                wrong.push(Violation::new("network_address", on_mac_only()));
            }
        }
        if !self.disk.is_whole_gib() {
            wrong.push(Violation::new("disk", "colima only takes whole GiB"));
        }
        if self.mounts.len() > 1 && self.mounts.iter().any(|mount| mount == "none") {
            wrong.push(Violation::new("mounts", "`none` stands alone"));
        }
        wrong
    }

    /// Whether colima is told to make a QEMU machine, which takes `qemu-img`.
    pub(crate) fn is_qemu(&self, platform: Platform) -> bool {
        platform == Platform::Linux || self.vm_type == Some(VmType::Qemu)
    }
}

/// The config's JSON Schema.
pub(crate) fn schema() -> &'static ConfigSchema {
    static SCHEMA: ConfigSchema = ConfigSchema::of_text(include_str!("../config.schema.json"));
    &SCHEMA
}

fn two() -> u32 {
    2
}

fn four_gib() -> Size {
    Size::gib(4)
}

fn hundred_gib() -> Size {
    Size::gib(100)
}

/// As colima has it when it is told nothing.
fn no_traefik() -> Vec<String> {
    vec!["--disable=traefik".into()]
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A complete config with these fields.
    pub(crate) fn config(fields: &Value) -> ColimaConfig {
        let complete = caproni_driver::config::complete(schema(), fields);
        ColimaConfig::read(&complete, Platform::Mac).unwrap()
    }

    fn wrong(fields: &Value, platform: Platform) -> Vec<String> {
        let complete = caproni_driver::config::complete(schema(), fields);
        match ColimaConfig::read(&complete, platform) {
            Ok(_) => Vec::new(),
            Err(error) => error.data.violations.into_iter().map(|one| one.path).collect(),
        }
    }

    #[test]
    fn the_schema_that_is_told_is_that_of_the_type() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config.schema.json");
        caproni_driver::testing::check_schema::<ColimaConfig>(file);
    }

    #[test]
    fn the_section_of_a_real_file_is_read() {
        let config = config(&json!({"memory": "12GiB", "cores": 6}));
        assert_eq!((config.memory, config.cores), (Size::gib(12), 6));
        assert_eq!(config.k3s_args, ["--disable=traefik"]);
        assert_eq!(config.runtime, Runtime::Docker);
    }

    #[test]
    fn what_linux_does_not_have_is_refused_there_and_taken_on_macos() {
        let fields = json!({"vm_type": "vz", "network_address": true});
        assert_eq!(wrong(&fields, Platform::Linux), ["vm_type", "network_address"]);
        assert_eq!(wrong(&fields, Platform::Mac), Vec::<String>::new());
        assert_eq!(wrong(&json!({"vm_type": "qemu"}), Platform::Linux), Vec::<String>::new());
    }

    #[test]
    fn what_colima_would_take_for_something_else_is_refused() {
        assert_eq!(wrong(&json!({"disk": "1536MiB"}), Platform::Mac), ["disk"]);
        assert_eq!(wrong(&json!({"mounts": ["none", "/a"]}), Platform::Mac), ["mounts"]);
    }

    #[test]
    fn the_default_is_complete() {
        let complete = caproni_driver::config::complete(schema(), &json!({}));
        assert_eq!(complete["memory"], "4GiB");
        assert_eq!(complete["disk"], "100GiB");
        assert_eq!(complete["k3s_args"], json!(["--disable=traefik"]));
    }
}
