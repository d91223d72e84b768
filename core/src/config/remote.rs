//! Fragments from an address: fetched once, told by their digest, and kept.

use std::path::PathBuf;
use std::time::Duration;

use caproni_driver::resources;
use http::Uri;
use http_body_util::BodyExt;
use kube::client::Body;
use sha2::{Digest, Sha256};

use super::extends::LONGEST;
use crate::interrupt::Interrupt;
use crate::state::write_private;

/// How long it may take to fetch one.
const LIMIT: Duration = Duration::from_secs(20);

/// How many times an address may lead on to another one.
const MOST_HOPS: usize = 5;

/// What stands between an address and the digest of what is there. To other programs it is a
/// part of the page, which servers never see: the same file serves them too.
pub(super) const MARK: &str = "#sha256=";

/// An address, and the digest of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pinned {
    /// The address, which begins with `https://`.
    pub(super) url: String,
    sha256: String,
}

/// Why a fragment cannot be had.
#[derive(Debug)]
pub(super) enum Unavailable {
    /// The user did not want to wait.
    Cancelled,
    /// Anything else, as one lowercase line, and what to do.
    Because(String, String),
}

impl Pinned {
    /// Puts both together.
    ///
    /// # Errors
    /// Why that is no address of a fragment, as one lowercase line, and what to do.
    pub(super) fn new(url: &str, sha256: Option<&str>) -> Result<Self, (String, String)> {
        if !url.starts_with("https://") {
            let hint = "name a path, or an address that begins with `https://`";
            return Err((format!("`{url}` is not an https address"), hint.into()));
        }
        let Some(sha256) = sha256 else {
            let hint = format!(
                "look at what is there, and write `{MARK}DIGEST` after the address; \
                 `curl -fsSL '{url}' | sha256sum` tells the digest"
            );
            let what = "an address without the sha256 of what is there could change at any time";
            return Err((what.into(), hint));
        };
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let hint = "a sha256 is 64 digits, as `sha256sum` prints them";
            return Err((format!("`{}` is not a sha256", sha256.escape_debug()), hint.into()));
        }
        Ok(Self { url: url.into(), sha256: sha256.to_lowercase() })
    }

    /// The text that is there: as it was kept, or else fetched, and then kept.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(super) fn get(&self) -> Result<String, Unavailable> {
        let kept = std::fs::read(self.file()).ok().filter(|bytes| digest(bytes) == self.sha256);
        let bytes = match kept {
            Some(bytes) => bytes,
            None => self.fetch()?,
        };
        String::from_utf8(bytes).map_err(|_| {
            Unavailable::Because(format!("`{}` is not text", self.url), "name a YAML file".into())
        })
    }

    fn fetch(&self) -> Result<Vec<u8>, Unavailable> {
        let url = &self.url;
        let bytes = in_a_thread(url.clone()).map_err(|why| match why {
            None => Unavailable::Cancelled,
            Some(why) => Unavailable::Because(
                format!("cannot fetch `{url}`: {why}"),
                format!("fetch it by hand, and name its path in `extends` instead of `{url}`"),
            ),
        })?;
        let found = digest(&bytes);
        if found != self.sha256 {
            let message = format!("`{}` has changed: its sha256 is {found}", self.url);
            let hint = "look at what is there now before you pin it anew";
            return Err(Unavailable::Because(message, hint.into()));
        }
        // Kept for the next time only: without it there is another fetch.
        let folder = self.file();
        if let Some(folder) = folder.parent()
            && std::fs::create_dir_all(folder).is_ok()
            && let Ok(text) = std::str::from_utf8(&bytes)
        {
            let _ = write_private(&self.file(), text);
        }
        Ok(bytes)
    }

    fn file(&self) -> PathBuf {
        let folder = caproni_driver::lock::state_dir().join("fragments");
        folder.join(format!("{}.yaml", self.sha256))
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Config is read before anything else is done, and by functions that do not wait: so the wait
/// is a thread's, which hears of Ctrl-C itself. `None` says that it did.
fn in_a_thread(url: String) -> Result<Vec<u8>, Option<String>> {
    // One for the wait, one in which tokio looks a name up.
    resources::threads(2).map_err(|error| Some(error.to_string()))?;
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Some(error.to_string()))?;
        runtime.block_on(async {
            let interrupt = Interrupt::listen().map_err(|error| Some(error.message))?;
            let late = || Err(format!("no answer within {} s", LIMIT.as_secs()));
            tokio::select! {
                () = interrupt.first() => Err(None),
                fetched = tokio::time::timeout(LIMIT, download(url)) => {
                    fetched.unwrap_or_else(|_| late()).map_err(Some)
                }
            }
        })
    };
    std::thread::spawn(work).join().unwrap_or_else(|_| Err(Some("the fetch has crashed".into())))
}

async fn download(mut url: String) -> Result<Vec<u8>, String> {
    for _ in 0..=MOST_HOPS {
        let answer = ask(&url).await?;
        let status = answer.status();
        if !status.is_redirection() {
            return match status.is_success() {
                true => body(answer.into_body()).await,
                false => Err(format!("the server answers {status}")),
            };
        }
        let to = answer.headers().get(http::header::LOCATION).and_then(|to| to.to_str().ok());
        let to =
            to.ok_or_else(|| format!("the server answers {status}, and does not say where to"))?;
        url = match to.starts_with('/') && !to.starts_with("//") {
            true => format!("{}{to}", root(&url)?),
            false => to.to_owned(),
        };
    }
    Err(format!("the address leads on more than {MOST_HOPS} times"))
}

/// Scheme and host of an address.
fn root(url: &str) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|error| format!("it is no address: {error}"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("https"), Some(host)) => Ok(format!("https://{host}")),
        _ => Err(format!("it leads to `{url}`, which is not an https address")),
    }
}

/// Asks with the client that also asks clusters: it is here already, and checks certificates
/// as the platform does.
async fn ask(url: &str) -> Result<http::Response<Body>, String> {
    let base: Uri = root(url)?.parse().map_err(|error| format!("it is no address: {error}"))?;
    let uri: Uri = url.parse().map_err(|error| format!("it is no address: {error}"))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = http::Request::get(path)
        .header(http::header::USER_AGENT, concat!("caproni/", env!("CARGO_PKG_VERSION")))
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let client =
        kube::Client::try_from(kube::Config::new(base)).map_err(|error| innermost(&error))?;
    client.send(request).await.map_err(|error| innermost(&error))
}

async fn body(mut body: Body) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| innermost(&error))?;
        bytes.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
        if bytes.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
    }
    Ok(bytes)
}

fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pinned_https_address_will_do() {
        let good = "a".repeat(64);
        assert!(Pinned::new("https://h/a.yaml", Some(&good)).is_ok());
        let refused = |url, sha256| Pinned::new(url, sha256).unwrap_err().0;
        assert!(refused("http://h/a.yaml", Some(&good)).contains("not an https address"));
        assert!(refused("https://h/a.yaml", None).contains("without the sha256"));
        for bad in ["", "abc", &"g".repeat(64), &"a".repeat(63)] {
            assert!(refused("https://h/a.yaml", Some(bad)).contains("is not a sha256"), "{bad}");
        }
    }

    #[test]
    fn an_address_leads_to_https_only() {
        assert_eq!(root("https://h:1/a?b").unwrap(), "https://h:1");
        for url in ["http://h/a", "//h/a", "a", "file:///etc/passwd"] {
            assert!(root(url).is_err(), "{url}");
        }
    }
}
