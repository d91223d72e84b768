//! Names that somebody else has in the engine already.
//!
//! minikube refuses a container that it has not made, tries again, and then removes it: the
//! failed start is mended by deleting the machine, whose container goes by its name alone.

use caproni_driver::{Error, ErrorKind};
use caproni_engine::{Engine, Listed};

use crate::look::LABEL;
use crate::profile::machine_name;

/// Refuses the names of a new cluster's nodes that are taken by what minikube has not made.
///
/// # Errors
/// `ResourceConflict` with what has the name, and the engine's.
pub(crate) async fn check_names(engine: &Engine, cluster: &str, nodes: u32) -> Result<(), Error> {
    let names = names(cluster, nodes);
    let of = |listed: Vec<Listed>| -> Vec<String> {
        listed.iter().map(|it| it.name().to_owned()).collect()
    };
    let (all, own) = (of(engine.list(&[]).await?), of(engine.list(&[LABEL]).await?));
    if let Some(name) = names.iter().find(|name| all.contains(name) && !own.contains(name)) {
        return Err(conflict("container", name, "docker rm -f"));
    }
    let own = engine.volumes(LABEL).await?;
    for name in names.iter().filter(|name| !own.contains(name)) {
        if engine.has_volume(name).await? {
            return Err(conflict("volume", name, "docker volume rm"));
        }
    }
    Ok(())
}

fn names(cluster: &str, nodes: u32) -> Vec<String> {
    let others = (2..=nodes).map(|number| machine_name(cluster, &format!("m{number:02}")));
    [cluster.to_owned()].into_iter().chain(others).collect()
}

fn conflict(what: &str, name: &str, remove: &str) -> Error {
    let message = format!("a {what} that minikube has not made is called `{name}`");
    let hint = format!("remove it with `{remove} {name}`, or choose another profile");
    let mut error = Error::new(ErrorKind::ResourceConflict, message).with_hint(hint);
    error.data.resource = Some(format!("{what} {name}"));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_its_name() {
        assert_eq!(names("demo", 1), ["demo"]);
        assert_eq!(names("demo", 3), ["demo", "demo-m02", "demo-m03"]);
    }
}
