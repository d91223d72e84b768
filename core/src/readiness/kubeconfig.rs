//! A kubeconfig as kube's client takes it.
//!
//! It is read by way of a JSON value. kube's own way reads YAML into each of a kubeconfig's types,
//! and the code of a reader of YAML for so many types was a twentieth of this program.

use kube::config::Kubeconfig;
use serde_json::Value;

/// The fields that are true or false, of all that kube's client knows.
const SWITCHES: [&str; 4] =
    ["insecure-skip-tls-verify", "disable-compression", "provideClusterInfo", "colors"];

/// Reads a kubeconfig's text. Several documents are merged, as kube does it.
///
/// # Errors
/// What is wrong with it, as one line.
pub(crate) fn read(text: &str) -> Result<Kubeconfig, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(first_line)?;
    documents.into_iter().try_fold(Kubeconfig::default(), |before, mut document| {
        as_text(&mut document);
        let next = serde_json::from_value(document).map_err(first_line)?;
        before.merge(next).map_err(first_line)
    })
}

/// No other field is a number, true or false: it is the text of one, such as a password of digits.
fn as_text(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(as_text),
        Value::Object(fields) => {
            let fields = fields.iter_mut().filter(|(name, _)| !SWITCHES.contains(&name.as_str()));
            fields.for_each(|(_, value)| as_text(value));
        }
        Value::Bool(_) | Value::Number(_) => *value = Value::String(value.to_string()),
        Value::Null | Value::String(_) => {}
    }
}

fn first_line(error: impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field that kube's client goes by, and some that it does not.
    const WHOLE: &str = "\
apiVersion: v1
kind: Config
current-context: 7
preferences: {colors: true, more: 1}
contexts:
- name: 7
  context: {cluster: true, user: 12, namespace: 2.5, extensions: [{name: e, extension: {a: b}}]}
clusters:
- name: true
  cluster:
    server: https://127.0.0.1:6443
    insecure-skip-tls-verify: true
    disable-compression: false
    certificate-authority: /ca
    certificate-authority-data: Y2E=
    proxy-url: http://proxy:3128
    tls-server-name: ~
users:
- name: 12
  user:
    username: admin
    password: 12345
    token: 1
    tokenFile: /token
    client-certificate: /cert
    client-key-data: a2V5
    as: somebody
    as-groups: [a, 1]
    as-user-extra: {x: [1]}
    auth-provider: {name: gcp, config: {expiry: 5, cmd-path: /bin/x}}
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: aws
      args: [--count, 3, true]
      env: [{name: A, value: 1}]
      interactiveMode: Never
      provideClusterInfo: true
";

    #[test]
    fn all_fields_are_read_as_kube_reads_them() {
        let kubes = Kubeconfig::from_yaml(WHOLE).unwrap();
        let mut shown = serde_json::to_value(&kubes).unwrap();
        // Only what kube does not know differs.
        as_text(&mut shown);
        assert_eq!(serde_json::to_value(read(WHOLE).unwrap()).unwrap(), shown);
    }

    #[test]
    fn documents_are_merged_and_nothing_is_an_empty_one() {
        let text = "clusters: [{name: a}]\n---\nclusters: [{name: b}]\nusers:\n";
        let names: Vec<_> = read(text).unwrap().clusters.into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["a", "b"]);
        let json = |read: Kubeconfig| serde_json::to_value(read).unwrap();
        assert_eq!(json(read("").unwrap()), json(Kubeconfig::default()));
    }

    #[test]
    fn what_is_no_kubeconfig_is_told_in_one_line() {
        for text in ["clusters: 7\n", "clusters: [{cluster: {}}]\n", "{", "- a\n"] {
            let error = read(text).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{text}: {error}");
            assert!(Kubeconfig::from_yaml(text).is_err(), "{text}");
        }
    }
}
