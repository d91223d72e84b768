//! The user's kubeconfig: a context is put in and taken out, and all else stays.
//!
//! The current context never changes unless the user says so: a context switched
//! behind one's back has sent commands to the wrong cluster for years
//! (<https://github.com/kubernetes/minikube/issues/2979>).

#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod health;
mod lock;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use caproni_driver::resources;
use serde_json::{Map, Value, json};

use crate::error::{Error, Kind};
use crate::state::write_private;
use lock::{Lock, Refused};

/// How often a file that kubectl or another tool has locked is tried again: for 10 s.
const LOCK_TRIES: u32 = 200;

/// How long each time.
const LOCK_RETRY: Duration = Duration::from_millis(50);

/// The longest kubeconfig, in bytes: some thousand clusters.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Whether the current context is to become the cluster's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurrentContext {
    /// It stays what it is.
    Keep,
    /// It becomes the cluster's.
    Switch,
}

/// A context with its cluster and user, as a driver's kubeconfig gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The context's name.
    pub context: String,
    /// Whole list items of the three lists, each with its name.
    items: [(&'static str, String, Value); 3],
}

impl Entry {
    /// Takes one context out of a kubeconfig's text.
    ///
    /// # Errors
    /// `DriverProtocolError`: the text holds no such context, or it is not whole.
    pub fn parse(text: &str, context: &str) -> Result<Self, Error> {
        let broken = |what: String| {
            let message = format!("the driver's kubeconfig cannot be used: {what}");
            Error::new(Kind::DriverProtocolError, message)
        };
        let document = parse(text).map_err(broken)?;
        let missing = |what: &str| broken(format!("it has no {what}"));
        let item = find(&document, "contexts", context).ok_or_else(|| missing("such context"))?;
        let of_context = |field: &str| {
            let name = item.get("context").and_then(|context| context.get(field));
            name.and_then(Value::as_str).map(str::to_owned)
        };
        let cluster = of_context("cluster").ok_or_else(|| missing("cluster in its context"))?;
        let user = of_context("user").ok_or_else(|| missing("user in its context"))?;
        let cluster_item =
            find(&document, "clusters", &cluster).ok_or_else(|| missing("such cluster"))?;
        let user_item = find(&document, "users", &user).ok_or_else(|| missing("such user"))?;
        Ok(Self {
            context: context.to_owned(),
            items: [
                ("clusters", cluster.clone(), cluster_item.clone()),
                ("users", user.clone(), user_item.clone()),
                ("contexts", context.to_owned(), item.clone()),
            ],
        })
    }

    /// A kubeconfig of this context alone, which is the current one.
    pub fn standalone(&self) -> Value {
        let mut document = empty();
        for (list, _, item) in &self.items {
            document[*list] = json!([item]);
        }
        document["current-context"] = json!(self.context);
        document
    }

    /// The same as a file's text.
    ///
    /// # Errors
    /// It cannot be written as YAML.
    pub fn standalone_text(&self) -> Result<String, Error> {
        // Certificates as they are mostly written, on one line each.
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        serde_saphyr::to_string_with_options(&self.standalone(), options)
            .map_err(|error| Error::internal("cannot write a kubeconfig", error))
    }

    /// The address of the API.
    pub fn server(&self) -> Option<&str> {
        self.items[0].2.get("cluster")?.get("server")?.as_str()
    }

    /// Takes the current context out of a kubeconfig's text.
    pub fn current(text: &str) -> Option<Self> {
        let document = parse(text).ok()?;
        let context = document.get("current-context")?.as_str()?;
        Self::parse(text, context).ok()
    }
}

/// The user's kubeconfig file.
#[derive(Clone)]
pub struct UserKubeconfig {
    path: PathBuf,
    last: Arc<Mutex<Option<Parsed>>>,
}

/// What was read last: most of the time the file holds the same when it is read again.
struct Parsed {
    text: String,
    document: Arc<Value>,
}

/// There are keys in what was read, which nobody is to see in a log.
impl fmt::Debug for UserKubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKubeconfig").field("path", &self.path).finish_non_exhaustive()
    }
}

impl UserKubeconfig {
    /// The file that kubectl would write to: the first that exists of those in
    /// `KUBECONFIG`, else the last of them, else `~/.kube/config`.
    ///
    /// The order is client-go's, see `GetDefaultFilename` in
    /// <https://github.com/kubernetes/client-go/blob/master/tools/clientcmd/config.go>.
    ///
    /// # Errors
    /// Neither `KUBECONFIG` nor `HOME` is set.
    pub fn locate() -> Result<Self, Error> {
        let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
            .iter()
            .flat_map(std::env::split_paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        if let Some(path) = listed.iter().find(|path| path.exists()).or(listed.last()) {
            return Ok(Self::at(path.clone()));
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).ok_or_else(|| {
            Error::new(
                Kind::InvalidKubeconfig,
                "there is no place for a kubeconfig: HOME is not set",
            )
            .with_hint("set KUBECONFIG to a file")
        })?;
        Ok(Self::at(Path::new(&home).join(".kube/config")))
    }

    fn at(path: PathBuf) -> Self {
        Self { path, last: Arc::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the file can be changed later, before anything else is done.
    ///
    /// k3d finds a broken kubeconfig after the cluster was made, warns, and exits 0.
    ///
    /// # Errors
    /// `InvalidKubeconfig` that names the file.
    pub fn check(&self) -> Result<(), Error> {
        self.read()?;
        let existing = self.path.ancestors().find(|path| path.exists());
        let writable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
        match existing.map(writable) {
            Some(Err(error)) => Err(self.failed("written", &error.into())),
            _ => Ok(()),
        }
    }

    /// Tells whether the file has a context of that name that equals the entry.
    ///
    /// # Errors
    /// `InvalidKubeconfig`.
    pub fn has(&self, entry: &Entry) -> Result<bool, Error> {
        let document = self.read()?;
        Ok(entry.items.iter().all(|(list, name, item)| find(&document, list, name) == Some(item)))
    }

    /// The current context, if there is one.
    ///
    /// # Errors
    /// `InvalidKubeconfig`.
    pub fn current_context(&self) -> Result<Option<String>, Error> {
        let document = self.read()?;
        let current = document.get("current-context").and_then(Value::as_str);
        Ok(current.filter(|name| !name.is_empty()).map(Into::into))
    }

    /// Puts a context in, in the place of what has its name. Everything else stays, and all of it
    /// where the context is there already.
    ///
    /// # Errors
    /// `InvalidKubeconfig` when the file cannot be read, locked or written.
    pub async fn put(&self, entry: &Entry, current: CurrentContext) -> Result<(), Error> {
        self.change(|document| {
            for (list, name, item) in &entry.items {
                replace(document, list, name, item.clone());
            }
            if current == CurrentContext::Switch {
                document.insert("current-context".into(), json!(entry.context));
            }
        })
        .await
    }

    /// Takes a context with its cluster and user out. If it was the current one, there
    /// is none afterwards: another one would be a guess, and perhaps production.
    ///
    /// # Errors
    /// `InvalidKubeconfig` when the file cannot be read, locked or written.
    pub async fn remove(&self, entry: &Entry) -> Result<(), Error> {
        let document = self.read()?;
        if !entry.items.iter().any(|(list, name, _)| find(&document, list, name).is_some()) {
            Lock::remove_left(&Lock::path_of(&self.path));
            return Ok(());
        }
        self.change(|document| {
            for (list, name, _) in &entry.items {
                if let Some(items) = document.get_mut(*list).and_then(Value::as_array_mut) {
                    items.retain(|item| !has_name(item, name));
                }
            }
            if document.get("current-context").and_then(Value::as_str) == Some(&entry.context) {
                document.insert("current-context".into(), json!(""));
            }
        })
        .await
    }

    async fn change(&self, change: impl Fn(&mut Map<String, Value>)) -> Result<(), Error> {
        // Where nothing is to be done nobody is waited for.
        if self.changed(&change)?.is_none() {
            Lock::remove_left(&Lock::path_of(&self.path));
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.failed("written", &error))?;
        }
        let _lock = self.lock().await?;
        let Some(after) = self.changed(&change)? else { return Ok(()) };
        let text = serde_saphyr::to_string(&after)
            .map_err(|error| Error::internal("cannot write a kubeconfig", error))?;
        write_private(&self.path, &text).map_err(|error| self.failed("written", &error))
    }

    /// What a change makes of the file; `None` where it is that already.
    fn changed(&self, change: &impl Fn(&mut Map<String, Value>)) -> Result<Option<Value>, Error> {
        let before = self.read()?;
        let mut document = before.as_object().cloned().unwrap_or_default();
        change(&mut document);
        let after = Value::Object(document);
        Ok((after != *before).then_some(after))
    }

    fn read(&self) -> Result<Arc<Value>, Error> {
        match read_text(&self.path) {
            Ok(text) if text.trim().is_empty() => Ok(Arc::new(empty())),
            Ok(text) => self.parsed(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Arc::new(empty())),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    fn parsed(&self, text: String) -> Result<Arc<Value>, Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = last.as_ref().filter(|last| last.text == text) {
            return Ok(Arc::clone(&known.document));
        }
        let broken = |error| self.unusable(&format!("is broken: {error}"));
        let document = Arc::new(parse(&text).map_err(broken)?);
        *last = Some(Parsed { text, document: Arc::clone(&document) });
        Ok(document)
    }

    fn failed(&self, verb: &str, error: &std::io::Error) -> Error {
        let unusable = self.unusable(&format!("cannot be {verb}: {error}"));
        match resources::way_out(error) {
            Some(way_out) => unusable.with_hint(way_out),
            None => unusable,
        }
    }

    fn unusable(&self, what: &str) -> Error {
        let path = self.path.display();
        Error::new(Kind::InvalidKubeconfig, format!("kubeconfig `{path}` {what}"))
            .with_hint("mend or move the file, or set KUBECONFIG to another one")
    }

    /// Takes the lock that kubectl takes, and waits while somebody has it.
    async fn lock(&self) -> Result<Lock, Error> {
        let path = Lock::path_of(&self.path);
        let mut holder = None;
        for _ in 0..LOCK_TRIES {
            match Lock::take(&path) {
                Ok(lock) => return Ok(lock),
                Err(Refused::Held(by)) => holder = by,
                Err(Refused::Failed(error)) => {
                    return Err(self.failed("locked", &error));
                }
            }
            tokio::time::sleep(LOCK_RETRY).await;
        }
        let (lock, holder) = (path.display(), holder.unwrap_or("another program".into()));
        Err(self
            .unusable(&format!("is locked by {holder}: `{lock}` exists"))
            .with_hint(format!("if no such program runs any more, run `rm {lock}`")))
    }
}

/// Reads a file that may be none, such as `/dev/zero`.
fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        let what = format!("it is longer than {LONGEST} bytes");
        return Err(std::io::Error::other(what));
    }
    Ok(text)
}

fn empty() -> Value {
    json!({"apiVersion": "v1", "kind": "Config", "preferences": {}, "clusters": [], "users": [],
        "contexts": [], "current-context": ""})
}

fn parse(text: &str) -> Result<Value, String> {
    let document: Value = serde_saphyr::from_str(text)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?;
    match document {
        Value::Null => Ok(empty()),
        Value::Object(_) => check_lists(document),
        _ => Err("it holds no fields".into()),
    }
}

fn check_lists(document: Value) -> Result<Value, String> {
    for list in ["clusters", "users", "contexts"] {
        match document.get(list) {
            None | Some(Value::Null | Value::Array(_)) => {}
            Some(_) => return Err(format!("`{list}` is not a list")),
        }
    }
    Ok(document)
}

fn has_name(item: &Value, name: &str) -> bool {
    item.get("name").and_then(Value::as_str) == Some(name)
}

fn find<'a>(document: &'a Value, list: &str, name: &str) -> Option<&'a Value> {
    document.get(list)?.as_array()?.iter().find(|item| has_name(item, name))
}

fn replace(document: &mut Map<String, Value>, list: &str, name: &str, new: Value) {
    let items = document.entry(list).or_insert_with(|| json!([]));
    if items.is_null() {
        *items = json!([]);
    }
    let Some(items) = items.as_array_mut() else { return };
    match items.iter_mut().find(|item| has_name(item, name)) {
        Some(item) => *item = new,
        None => items.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: k3d-demo\n  cluster: {server: https://127.0.0.1:6550, certificate-authority-data: QUJD}\nusers:\n- name: admin@k3d-demo\n  user: {client-key-data: REVG}\ncontexts:\n- name: k3d-demo\n  context: {cluster: k3d-demo, user: admin@k3d-demo}\ncurrent-context: k3d-demo\n";

    const OTHER: &str = "apiVersion: v1\nkind: Config\npreferences: {colors: true}\nclusters:\n- name: prod\n  cluster: {server: https://prod, extensions: [{name: x, extension: {a: 1}}]}\nusers:\n- name: me\n  user: {token: \"0123\", exec: {args: [\"yes\", \"1.30\", \"~\"]}}\ncontexts:\n- name: prod\n  context: {cluster: prod, user: me, namespace: \"null\"}\ncurrent-context: prod\n";

    fn user_file(text: Option<&str>) -> (tempfile::TempDir, UserKubeconfig) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kube/config");
        if let Some(text) = text {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        (folder, UserKubeconfig::at(path))
    }

    fn entry() -> Entry {
        Entry::parse(CLUSTER, "k3d-demo").unwrap()
    }

    #[tokio::test]
    async fn a_context_goes_in_and_out_and_all_else_stays() {
        let (_folder, file) = user_file(Some(OTHER));
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        assert!(file.has(&entry()).unwrap());
        assert_eq!(file.read().unwrap()["current-context"], "prod");
        file.remove(&entry()).await.unwrap();
        assert_eq!(*file.read().unwrap(), parse(OTHER).unwrap());
    }

    #[tokio::test]
    async fn the_current_context_is_switched_only_on_demand() {
        let (_folder, file) = user_file(None);
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        assert_eq!(file.read().unwrap()["current-context"], "");
        file.put(&entry(), CurrentContext::Switch).await.unwrap();
        assert_eq!(file.read().unwrap()["current-context"], "k3d-demo");
        file.remove(&entry()).await.unwrap();
        assert_eq!(file.read().unwrap()["current-context"], "");
    }

    #[tokio::test]
    async fn an_older_context_of_the_name_is_replaced() {
        let (_folder, file) = user_file(Some(&CLUSTER.replace("6550", "1")));
        assert!(!file.has(&entry()).unwrap());
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        assert!(file.has(&entry()).unwrap());
        assert_eq!(file.read().unwrap()["contexts"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_new_file_is_for_its_owner_only_and_no_lock_is_left() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, file) = user_file(None);
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        assert_eq!(file.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(file.path.parent().unwrap().read_dir().unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_file_is_not_touched_when_nothing_changes() {
        let (_folder, file) = user_file(Some(CLUSTER));
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file.path).unwrap(), CLUSTER);
    }

    #[tokio::test]
    async fn what_is_there_already_waits_for_no_lock() {
        let (_folder, file) = user_file(Some(CLUSTER));
        let lock = Lock::path_of(&file.path);
        std::fs::write(&lock, "").unwrap();
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        file.put(&entry(), CurrentContext::Switch).await.unwrap();
        assert!(lock.exists(), "it is another program's");
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_lock_whose_holder_was_killed_though_there_is_nothing_to_do() {
        let (_folder, file) = user_file(Some(CLUSTER));
        std::fs::write(Lock::path_of(&file.path), "caproni (process 4711)").unwrap();
        file.put(&entry(), CurrentContext::Keep).await.unwrap();
        assert_eq!(file.path.parent().unwrap().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_others_write_is_read() {
        let (_folder, file) = user_file(Some(CLUSTER));
        assert_eq!(file.current_context().unwrap().as_deref(), Some("k3d-demo"));
        for (text, current) in [(OTHER, Some("prod")), (CLUSTER, Some("k3d-demo")), ("", None)] {
            std::fs::write(&file.path, text).unwrap();
            assert_eq!(file.current_context().unwrap().as_deref(), current);
        }
        std::fs::write(&file.path, "a: [").unwrap();
        assert!(file.check().is_err());
    }

    #[test]
    fn what_was_read_is_in_no_log() {
        let (_folder, file) = user_file(Some(CLUSTER));
        file.check().unwrap();
        assert!(!format!("{file:?}").contains("REVG"), "{file:?}");
    }

    #[tokio::test]
    async fn a_broken_file_is_named_and_kept() {
        for text in ["a: [", "clusters: 3\n", "- x\n"] {
            let (_folder, file) = user_file(Some(text));
            assert_eq!(file.check().unwrap_err().kind, Kind::InvalidKubeconfig);
            let error = file.put(&entry(), CurrentContext::Keep).await.unwrap_err();
            assert!(error.message.contains(&file.path.display().to_string()), "{}", error.message);
            assert_eq!(std::fs::read_to_string(&file.path).unwrap(), text);
        }
    }

    #[test]
    fn what_never_ends_is_not_read_to_its_end() {
        for path in ["/dev/zero", "/dev/full"] {
            let error = UserKubeconfig::at(path.into()).check().unwrap_err();
            assert!(error.message.contains("it is longer than"), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn many_at_once_lose_nothing() {
        let (_folder, file) = user_file(Some(OTHER));
        let puts = (0..8).map(|n| {
            let (file, name) = (file.clone(), format!("k3d-{n}"));
            let entry = Entry::parse(&CLUSTER.replace("k3d-demo", &name), &name).unwrap();
            tokio::spawn(async move { file.put(&entry, CurrentContext::Keep).await })
        });
        for put in puts.collect::<Vec<_>>() {
            put.await.unwrap().unwrap();
        }
        assert_eq!(file.read().unwrap()["contexts"].as_array().unwrap().len(), 9);
    }

    #[test]
    fn a_standalone_kubeconfig_holds_its_context_alone() {
        let both = format!("{CLUSTER}preferences: {{colors: true}}\n")
            .replace("contexts:\n", "contexts:\n- name: other\n  context: {cluster: a, user: b}\n")
            .replace("current-context: k3d-demo", "current-context: other");
        let entry = Entry::parse(&both, "k3d-demo").unwrap();
        assert_eq!(entry.server(), Some("https://127.0.0.1:6550"));
        let text = entry.standalone_text().unwrap();
        assert_eq!(Entry::current(&text).unwrap(), entry);
        let document = parse(&text).unwrap();
        assert_eq!(document["contexts"].as_array().unwrap().len(), 1, "{text}");
        assert!(text.contains("certificate-authority-data: QUJD"), "{text}");
    }

    #[test]
    fn a_kubeconfig_that_is_not_whole_is_the_drivers_fault() {
        for text in ["", "x: 1", &CLUSTER.replace("admin@k3d-demo\n  user", "other\n  user")] {
            let error = Entry::parse(text, "k3d-demo").unwrap_err();
            assert_eq!(error.kind, Kind::DriverProtocolError, "{text}");
        }
    }
}
