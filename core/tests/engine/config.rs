//! What of the config reaches the cluster.

use crate::support::{Place, docker};

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn published(place: &Place) -> String {
    docker(&["port", &place.node("serverlb")])
}

#[test]
fn ports_are_added_and_removed_while_the_cluster_runs() {
    let place = Place::new("ports");
    place.caproni(&["start"]).expect_code(0);
    let server = docker(&["inspect", "-f", "{{.Id}}", &place.node("server-0")]);

    let port = free_port();
    place.write_config(&format!("port_mappings: [\"{port}:80@loadbalancer\"]"));
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "updated");
    assert!(published(&place).contains(&format!(":{port}")), "{}", published(&place));
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");

    place.write_config("");
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "updated");
    assert!(!published(&place).contains(&format!(":{port}")), "{}", published(&place));
    assert_eq!(docker(&["inspect", "-f", "{{.Id}}", &place.node("server-0")]), server);
}

#[test]
fn the_whole_config_reaches_the_cluster_as_it_is_written() {
    let place = Place::new("config");
    let (api, port) = (free_port(), free_port());
    let folder = place.path("work");
    place.write_config(&format!(
        "agents: 1\n\
         api_port: \"127.0.0.1:{api}\"\n\
         port_mappings: [\"127.0.0.1:{port}:80@loadbalancer\"]\n\
         volumes: [\"{}:/mnt/work@server:0\"]\n\
         env: ['ODD=a $HOME ${{x}} \"b\"@server:*']\n\
         servers_memory: 700m\n\
         k3s:\n  disable: [traefik]\n  args: [\"--node-label=a=b@agent:*\"]\n",
        folder.display()
    ));
    // `${…}` is refused by the host until it is replaced there; `$HOME` is not.
    let text = std::fs::read_to_string(place.path("work/caproni.yaml")).expect("readable");
    std::fs::write(place.path("work/caproni.yaml"), text.replace("${x}", "$x")).expect("writable");
    place.caproni(&["start", "-o", "json"]).expect_code(0);

    let (server, agent) = (place.node("server-0"), place.node("agent-0"));
    let environment = docker(&["inspect", "-f", "{{json .Config.Env}}", &server]);
    assert!(environment.contains(r#"ODD=a $HOME $x \"b\""#), "{environment}");
    assert!(
        docker(&["inspect", "-f", "{{json .HostConfig.Binds}}", &server]).contains(":/mnt/work")
    );
    assert_eq!(docker(&["inspect", "-f", "{{.HostConfig.Memory}}", &server]).trim(), "734003200");
    assert!(
        docker(&["inspect", "-f", "{{json .Config.Cmd}}", &server]).contains("--disable=traefik")
    );
    assert!(
        docker(&["inspect", "-f", "{{json .Config.Cmd}}", &agent]).contains("--node-label=a=b")
    );
    assert!(published(&place).contains(&format!("127.0.0.1:{port}")), "{}", published(&place));
    assert!(published(&place).contains(&format!("127.0.0.1:{api}")), "{}", published(&place));
    assert_eq!(place.caproni(&["start", "-o", "json"]).expect_code(0).json()["change"], "none");
}

#[test]
fn a_cluster_without_load_balancer_and_with_two_servers_becomes_ready() {
    let place = Place::new("shapes");
    place.write_config("loadbalancer: false");
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.status()["nodes"].as_array().map(Vec::len), Some(1));
    place.caproni(&["destroy"]).expect_code(0);

    place.write_config("servers: 2");
    place.caproni(&["start"]).expect_code(0);
    assert_eq!(place.status()["nodes"].as_array().map(Vec::len), Some(3));
}

#[test]
fn the_users_own_network_is_used_and_stays() {
    let network = "caproni-own-network";
    docker(&["network", "create", network]);
    {
        let place = Place::new("network");
        place.write_config(&format!("network: {network}"));
        place.caproni(&["start"]).expect_code(0);
    }
    docker(&["network", "rm", network]);
}

#[test]
fn extra_arguments_reach_k3d_one_by_one() {
    let place = Place::new("extra");
    let api = free_port();
    place.write_config(&format!("extra_args: [\"--api-port\", \"127.0.0.1:{api}\", \"--wait\"]"));
    let started = place.caproni(&["start", "-o", "json"]).expect_code(0).json();
    assert_eq!(started["status"]["state"], "ready");
    assert!(published(&place).contains(&format!("127.0.0.1:{api}")), "{}", published(&place));
}
