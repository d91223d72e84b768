//! What `extra_args` change in a cluster beside the config's other fields.
//!
//! They come last on k3d's command line, so `--agents 2` there wins over `agents: 1`. A
//! cluster must not look broken or changed because of that.

use crate::mapping::{self, Mapping};

/// The arguments that decide which containers there are and what they publish.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ExtraArgs {
    /// `--servers`.
    pub(crate) servers: Option<u32>,
    /// `--agents`.
    pub(crate) agents: Option<u32>,
    /// `--no-lb`.
    pub(crate) no_load_balancer: bool,
    /// `--api-port`.
    pub(crate) api_port: Option<String>,
    /// Each `--port`.
    pub(crate) ports: Vec<Mapping>,
}

impl ExtraArgs {
    /// Reads the arguments; those of no interest are passed over.
    pub(crate) fn read(args: &[String]) -> Self {
        let mut read = Self::default();
        let mut rest = args.iter().map(String::as_str).peekable();
        while let Some(arg) = rest.next() {
            let (name, attached) = split(arg);
            let mut value = || attached.or_else(|| rest.next());
            match name {
                "--servers" | "-s" => read.servers = value().and_then(|v| v.parse().ok()),
                "--agents" | "-a" => read.agents = value().and_then(|v| v.parse().ok()),
                "--port" | "-p" => read.ports.extend(mapping::parse_all(value())),
                "--api-port" => read.api_port = value().map(Into::into),
                "--no-lb" => read.no_load_balancer = attached != Some("false"),
                _ => {}
            }
        }
        read
    }
}

/// A flag and the value attached to it: `--agents=2`, `-a=2`, `-a2`.
fn split(arg: &str) -> (&str, Option<&str>) {
    if let Some((name, value)) = arg.split_once('=').filter(|_| arg.starts_with('-')) {
        return (name, Some(value));
    }
    match arg.get(..2) {
        Some(short @ ("-s" | "-a" | "-p")) if arg.len() > 2 => (short, arg.get(2..)),
        _ => (arg, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> ExtraArgs {
        ExtraArgs::read(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_way_to_write_a_flag_is_read() {
        for args in [&["--agents", "2"][..], &["--agents=2"], &["-a", "2"], &["-a2"], &["-a=2"]] {
            assert_eq!(read(args).agents, Some(2), "{args:?}");
        }
    }

    #[test]
    fn ports_and_the_missing_load_balancer_are_known() {
        let args = read(&["--wait", "-p", "80:80@loadbalancer", "--no-lb", "--timeout", "120s"]);
        assert_eq!(args.ports.len(), 1);
        assert!(args.no_load_balancer);
    }
}
