//! What is said at the end of a start of a cluster that has an API.

use snapbox::{assert_data_eq, str};

use crate::faults::driver;
use crate::resources::api::api_of_a_ready_cluster;
use crate::sandbox::Sandbox;

/// A driver of a cluster of one node that is Ready, the file `cluster` in the project folder.
fn ready() -> Sandbox {
    let api = api_of_a_ready_cluster();
    let kubeconfig = format!(
        "{{current-context: odd, contexts: [{{name: odd, context: {{cluster: odd, user: odd}}}}], \
         clusters: [{{name: odd, cluster: {{server: {api}}}}}], users: [{{name: odd, user: {{}}}}]}}"
    );
    driver(&format!(
        r#"
        methods='"kubeconfig"'
        status() {{
            if [ -e cluster ]; then result '{{"state":"ready","exists":true,"kubeContext":"odd"}}'
            else result '{{"state":"stopped","exists":false}}'; fi
        }}
        start() {{
            if [ -e cluster ]; then result '{{"change":"none"}}'; return; fi
            touch cluster; result '{{"change":"created"}}'
        }}
        kubeconfig() {{ result '{{"context":"odd","kubeconfig":"{kubeconfig}"}}'; }}"#
    ))
}

#[test]
fn a_start_says_what_there_is_now_and_what_to_do_next() {
    let sandbox = ready();
    assert_data_eq!(
        sandbox.run("--driver odd start"),
        str![[r#"
cluster `caproni` is ready (created in [N] s)
driver      odd
kubernetes  v1.34.0, 1 of 1 nodes ready
context     odd (not the current one)
next        caproni --driver odd use
------- stderr -------
[TIME] ready: waiting until the API and every node are ready
[exit status: 0]

"#]]
    );
    assert_data_eq!(
        sandbox.run("--driver odd start --switch-context"),
        str![[r#"
cluster `caproni` is ready (nothing to do)
driver      odd
kubernetes  v1.34.0, 1 of 1 nodes ready
context     odd (now the current one)
next        caproni --driver odd kubectl -- get pods -A
------- stderr -------
[TIME] ready: waiting until the API and every node are ready
[exit status: 0]

"#]]
    );
    let again = sandbox.run("--driver odd start").stdout;
    assert!(again.contains("\ncontext     odd (the current one)\n"), "{again}");
}
