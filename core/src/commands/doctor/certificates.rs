//! Whether the certificates of the clusters that were started here are valid by this machine's
//! clock: one that is not yet valid means that the clock is wrong, or was.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caproni_driver::{HealthCheck, Verdict};
use serde_json::Value;
use x509_parser::pem::parse_x509_pem;
use x509_parser::time::ASN1Time;

/// The longest kubeconfig that is looked at, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// What the clock says of a certificate.
#[derive(Debug, PartialEq, Eq)]
enum Validity {
    Valid,
    /// It begins only then.
    NotYet(String),
    /// It ended then.
    Expired(String),
}

/// One check for each cluster whose credentials are not valid now; one alone if all are.
pub(super) fn checks(state: &Path) -> Vec<HealthCheck> {
    let now = ASN1Time::now();
    let kept = kept(state);
    let looked_at: Vec<_> =
        kept.iter().filter_map(|(name, text)| Some((name, validity(text, now)?))).collect();
    let wrong: Vec<_> =
        looked_at.iter().filter_map(|(name, validity)| check(name, validity)).collect();
    if !wrong.is_empty() {
        return wrong;
    }
    let message = match looked_at.len() {
        0 => "no cluster started here has a certificate to hold it against".into(),
        1 => "the certificate of 1 cluster is valid now".into(),
        count => format!("the certificates of {count} clusters are valid now"),
    };
    vec![HealthCheck::new("clock", Verdict::Ok, message)]
}

/// The kubeconfigs that were kept, each with its cluster's driver and profile.
fn kept(state: &Path) -> Vec<(String, String)> {
    let folders = std::fs::read_dir(state.join("clusters")).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = folders.map(|folder| folder.path()).collect();
    paths.sort();
    let read = |folder: PathBuf| {
        let file = folder.join("kubeconfig");
        let is_short = file.metadata().is_ok_and(|it| it.is_file() && it.len() <= LONGEST);
        let text = std::fs::read_to_string(&file).ok().filter(|_| is_short)?;
        Some((folder.file_name()?.to_string_lossy().into_owned(), text))
    };
    paths.into_iter().filter_map(read).collect()
}

/// `None` where there is no certificate: a cluster may well be entered with a token.
fn validity(kubeconfig: &str, now: ASN1Time) -> Option<Validity> {
    let document: Value = serde_saphyr::from_str(kubeconfig).ok()?;
    let user = document.get("users")?.get(0)?.get("user")?;
    let data = user.get("client-certificate-data")?.as_str()?;
    let (_, pem) = parse_x509_pem(&STANDARD.decode(data.trim()).ok()?).ok()?;
    let validity = pem.parse_x509().ok()?.validity().clone();
    Some(if now < validity.not_before {
        Validity::NotYet(validity.not_before.to_string())
    } else if now > validity.not_after {
        Validity::Expired(validity.not_after.to_string())
    } else {
        Validity::Valid
    })
}

fn check(cluster: &str, validity: &Validity) -> Option<HealthCheck> {
    let (message, hint) = match validity {
        Validity::Valid => return None,
        Validity::NotYet(from) => (
            format!("the certificate of `{cluster}` is valid from {from} only"),
            "set this machine's clock, or run `caproni destroy` and `caproni start` for a new one",
        ),
        Validity::Expired(until) => (
            format!("the certificate of `{cluster}` was valid until {until} only"),
            "set this machine's clock if it is wrong, else run `caproni restart`, or make the cluster anew",
        ),
    };
    Some(HealthCheck::new("clock", Verdict::Failed, message).with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(from: i32, until: i32) -> String {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let data = STANDARD.encode(params.self_signed(&key).unwrap().pem());
        format!("users: [{{name: a, user: {{client-certificate-data: {data}}}}}]\n")
    }

    #[test]
    fn a_certificate_is_held_against_the_clock() {
        let now = ASN1Time::now();
        let is = |from, until| validity(&kubeconfig(from, until), now).unwrap();
        assert_eq!(is(2000, 4000), Validity::Valid);
        assert!(matches!(is(3000, 4000), Validity::NotYet(when) if when.contains("3000")));
        assert!(matches!(is(2000, 2001), Validity::Expired(when) if when.contains("2001")));
    }

    #[test]
    fn what_is_no_certificate_tells_nothing() {
        for text in ["", "users: []", "{", "users: [{user: {client-certificate-data: eA==}}]"] {
            assert_eq!(validity(text, ASN1Time::now()), None, "{text:?}");
        }
    }

    #[test]
    fn each_cluster_that_is_out_of_time_is_named() {
        let state = tempfile::tempdir().unwrap();
        for (cluster, from, until) in [("k3d-old", 2000, 2001), ("k3d-well", 2000, 4000)] {
            let folder = state.path().join("clusters").join(cluster);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("kubeconfig"), kubeconfig(from, until)).unwrap();
        }
        let checks = checks(state.path());
        assert_eq!(checks.len(), 1);
        assert!(checks[0].message.contains("`k3d-old` was valid until"), "{checks:?}");
        assert_eq!(checks[0].verdict, Verdict::Failed);
    }
}
