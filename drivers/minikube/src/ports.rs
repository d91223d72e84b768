//! Published ports: `[host:][hostport:]containerport[/protocol]`, as docker takes them.

use std::net::IpAddr;

use caproni_engine::Binding;

/// What minikube publishes itself on each node, with a port of the host that the engine
/// chooses: SSH, the engine inside, the registry addon, the proxy of auto-pause.
const OWN: [u16; 4] = [22, 2376, 5000, 32443];

/// Reads one mapping.
///
/// # Errors
/// One lowercase line that says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Binding, String> {
    let (rest, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !["tcp", "udp", "sctp"].contains(&protocol) {
        return Err(format!("`{text}` has an unknown protocol: use `tcp`, `udp` or `sctp`"));
    }
    let (rest, container) = rest.rsplit_once(':').unwrap_or(("", rest));
    let (host_ip, host) = match rest.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
        Some((ip, host)) => (ip, host),
        None => rest.rsplit_once(':').unwrap_or(("", rest)),
    };
    if !host_ip.is_empty() && host_ip.parse::<IpAddr>().is_err() {
        return Err(format!("`{text}` names the host `{host_ip}`, which is no IP address"));
    }
    let number = |port: &str| match port.parse::<u16>() {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("`{text}`: `{port}` is no port")),
    };
    Ok(Binding {
        host_ip: host_ip.into(),
        host_port: if host.is_empty() { None } else { Some(number(host)?) },
        container_port: number(container)?,
        protocol: protocol.into(),
    })
}

/// Those of a node's bindings that the user asked for. `api` is the API's port in the node.
pub(crate) fn of_user(bindings: &[Binding], api: u16) -> Vec<Binding> {
    let is_own = |binding: &&Binding| {
        let port = binding.container_port;
        binding.host_port.is_none() && (OWN.contains(&port) || port == api)
    };
    bindings.iter().filter(|binding| !is_own(binding)).cloned().collect()
}

/// Tells whether the texts mean just these bindings, in any order.
pub(crate) fn mean(texts: &[String], bindings: &[Binding]) -> bool {
    let mut left: Vec<&Binding> = bindings.iter().collect();
    let found = texts.iter().all(|text| {
        let wanted = parse(text);
        let place = left.iter().position(|have| wanted.as_ref().is_ok_and(|w| have.satisfies(w)));
        place.map(|place| left.remove(place)).is_some()
    });
    found && left.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        parse(text).unwrap().to_string()
    }

    #[test]
    fn a_mapping_is_read_as_docker_reads_it() {
        for text in ["80", "8080:80", "127.0.0.1:8080:80", "127.0.0.1::80/udp", "[::1]:1:80"] {
            assert_eq!(parsed(text), text);
        }
        assert_eq!(parsed("0.0.0.0:8080:80/tcp"), "8080:80");
        for text in ["", "http", "80:http", "70000:80", "0:80", "80/icmp", "80-82:80-82"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_minikube_publishes_itself_is_not_the_users() {
        let bindings: Vec<_> =
            ["127.0.0.1::22", "127.0.0.1::8443", "127.0.0.1::32443", "5000:5000", "8080:80"]
                .into_iter()
                .map(|text| parse(text).unwrap())
                .collect();
        let texts: Vec<_> = of_user(&bindings, 8443).iter().map(Binding::to_string).collect();
        assert_eq!(texts, ["5000:5000", "8080:80"]);
    }

    #[test]
    fn two_spellings_of_one_mapping_mean_the_same() {
        let have = [parse("8080:80").unwrap(), parse("127.0.0.1:1:2").unwrap()];
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert!(mean(&texts(&["127.0.0.1:1:2", "0.0.0.0:8080:80/tcp"]), &have));
        assert!(!mean(&texts(&["8080:80"]), &have));
        assert!(!mean(&texts(&["8080:80", "1:2"]), &have));
        assert!(!mean(&texts(&["8080:80", "127.0.0.1:1:2", "81"]), &have));
    }
}
