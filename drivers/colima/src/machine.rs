//! Where the machine of a profile is, in colima's and in lima's terms.

use std::path::{Path, PathBuf};

use caproni_driver::{Error, ErrorKind, Violation, check_profile};

use crate::config::Platform;

/// The longest path of a Unix socket, in bytes with the zero at its end.
const LONGEST_SOCKET: usize = if cfg!(target_os = "macos") { 104 } else { 108 };

/// The longest name that lima gives a socket in a machine's folder.
const SOCKET: &str = "ssh.sock.1234567890123456";

/// The folders of colima and lima.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Home {
    /// colima's, with a folder for the wishes of each profile.
    pub(crate) colima: PathBuf,
    /// lima's, with a folder for each machine.
    pub(crate) lima: PathBuf,
    /// The user's.
    user: PathBuf,
}

impl Home {
    /// The folders that colima takes in this environment.
    ///
    /// # Errors
    /// `BackendUnavailable` when there is no home folder, without which neither colima nor lima
    /// works.
    pub(crate) fn of_process() -> Result<Self, Error> {
        let variable = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        Self::of(&variable, &|path| path.exists(), Platform::THIS).ok_or_else(|| {
            Error::new(ErrorKind::BackendUnavailable, "colima does not work without a home folder")
                .with_hint("set HOME")
        })
    }

    /// As colima's `config/files.go` finds them.
    pub(crate) fn of(
        variable: &dyn Fn(&str) -> Option<PathBuf>,
        exists: &dyn Fn(&Path) -> bool,
        platform: Platform,
    ) -> Option<Self> {
        let user = variable("HOME")?;
        let plain = user.join(".colima");
        let colima = match (variable("COLIMA_HOME"), variable("XDG_CONFIG_HOME")) {
            (Some(named), _) if exists(&named) => named,
            _ if exists(&plain) => plain,
            (_, Some(config)) => config.join("colima"),
            (_, None) if platform == Platform::Mac => plain,
            (_, None) => user.join(".config/colima"),
        };
        let lima = variable("LIMA_HOME").unwrap_or_else(|| colima.join("_lima"));
        Some(Self { colima, lima, user })
    }

    /// The machine of a profile.
    ///
    /// # Errors
    /// `InvalidDriverConfig` for a profile that colima would take for another one, or whose
    /// name makes a path too long for lima's sockets.
    pub(crate) fn machine(&self, profile: &str) -> Result<Machine, Error> {
        check_profile(profile)?;
        let refuse = |what: String| {
            Err(Error::invalid_config(vec![Violation::new("", what)])
                .with_hint("choose another name with `--profile`"))
        };
        if profile == "colima" || profile.starts_with("colima-") {
            return refuse(format!(
                "profile `{profile}` would be `{}` to colima",
                profile.strip_prefix("colima-").unwrap_or("default")
            ));
        }
        let id = match profile {
            "default" => "colima".to_owned(),
            other => format!("colima-{other}"),
        };
        let machine = self.of_id(id, profile);
        let socket = machine.folder().join(SOCKET);
        if socket.as_os_str().len() >= LONGEST_SOCKET {
            return refuse(format!(
                "profile `{profile}` makes the path of a socket too long: `{}`",
                socket.display()
            ));
        }
        Ok(machine)
    }

    /// The machine of an instance of lima, if colima made it.
    pub(crate) fn machine_named(&self, id: &str) -> Option<Machine> {
        match id.strip_prefix("colima")? {
            "" => Some(self.of_id(id.into(), "default")),
            rest => Some(self.of_id(id.into(), rest.strip_prefix('-')?)),
        }
    }

    fn of_id(&self, id: String, profile: &str) -> Machine {
        Machine { id, profile: profile.into(), home: self.clone() }
    }

    /// The machines whose data disk is there, be there a machine or not.
    pub(crate) fn disks(&self) -> Vec<Machine> {
        let found = self.lima.join("_disks").read_dir().into_iter().flatten();
        let names = found.filter_map(|disk| disk.ok()?.file_name().into_string().ok());
        names.filter_map(|name| self.machine_named(&name)).collect()
    }
}

/// The machine of one profile; whether it exists is another matter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Machine {
    /// Its name for lima, for Docker's and for Kubernetes' contexts.
    pub(crate) id: String,
    /// The profile, as colima is told it.
    pub(crate) profile: String,
    /// Where it is.
    pub(crate) home: Home,
}

impl Machine {
    /// Its folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.lima.join(&self.id)
    }

    /// What it really runs with: the config of the last start that worked.
    ///
    /// Not `<profile>/colima.yaml`, which holds the wish, and which `colima start` overwrites before
    /// it says that the machine runs already.
    pub(crate) fn state_file(&self) -> PathBuf {
        self.folder().join("colima.yaml")
    }

    /// Where colima keeps the wish, and its sockets.
    pub(crate) fn wish_folder(&self) -> PathBuf {
        self.home.colima.join(&self.profile)
    }

    /// What this driver keeps of it, in its folder, so that both go together.
    pub(crate) fn record_file(&self) -> PathBuf {
        self.folder().join("caproni.json")
    }

    /// Its data disk, which outlives the machine unless it is deleted too.
    pub(crate) fn disk(&self) -> PathBuf {
        self.home.lima.join("_disks").join(&self.id)
    }

    /// What colima keeps of the disk.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.home.colima.join("_store").join(format!("{}.json", self.id))
    }

    /// Where colima puts a kubeconfig together, readable for everybody.
    pub(crate) fn kube_folder(&self) -> PathBuf {
        self.home.user.join(".kube").join(format!(".{}", self.id))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn home(variables: &[(&str, &str)], existing: &[&str], platform: Platform) -> Option<Home> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| PathBuf::from(value))
        };
        let exists = |path: &Path| existing.iter().any(|known| Path::new(known) == path);
        Home::of(&variable, &exists, platform)
    }

    /// A home of the usual kind.
    pub(crate) fn usual() -> Home {
        home(&[("HOME", "/h")], &["/h/.colima"], Platform::Mac).unwrap()
    }

    /// A home whose folder of machines is this one.
    pub(crate) fn with_lima(folder: &Path) -> Home {
        Home { lima: folder.into(), ..usual() }
    }

    #[test]
    fn the_folders_are_where_colima_has_them() {
        let colima = |variables: &[(&str, &str)], existing: &[&str], platform| {
            home(variables, existing, platform).map(|home| home.colima.display().to_string())
        };
        let (at_home, xdg) = (("HOME", "/h"), ("XDG_CONFIG_HOME", "/x"));
        let own = ("COLIMA_HOME", "/c");
        for (variables, existing, on_mac, on_linux) in [
            (&[at_home][..], &[][..], "/h/.colima", "/h/.config/colima"),
            (&[at_home], &["/h/.colima"], "/h/.colima", "/h/.colima"),
            (&[at_home, xdg], &[], "/x/colima", "/x/colima"),
            (&[at_home, xdg], &["/h/.colima"], "/h/.colima", "/h/.colima"),
            (&[at_home, own], &["/c"], "/c", "/c"),
            (&[at_home, own], &[], "/h/.colima", "/h/.config/colima"),
        ] {
            assert_eq!(colima(variables, existing, Platform::Mac).as_deref(), Some(on_mac));
            assert_eq!(colima(variables, existing, Platform::Linux).as_deref(), Some(on_linux));
        }
        assert_eq!(home(&[], &[], Platform::Linux), None);
    }

    #[test]
    fn lima_s_folder_is_colima_s_unless_it_is_named() {
        assert_eq!(usual().lima, PathBuf::from("/h/.colima/_lima"));
        let named = home(&[("HOME", "/h"), ("LIMA_HOME", "/l")], &[], Platform::Linux);
        assert_eq!(named.unwrap().lima, PathBuf::from("/l"));
    }

    #[test]
    fn every_profile_is_a_machine_of_its_own() {
        let home = usual();
        for (profile, id) in [("default", "colima"), ("caproni", "colima-caproni")] {
            let machine = home.machine(profile).unwrap();
            assert_eq!(machine.id, id);
            assert_eq!(home.machine_named(id), Some(machine));
        }
        for foreign in ["default", "colimax", "other-colima"] {
            assert_eq!(home.machine_named(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_profile_that_colima_takes_for_another_one_is_refused() {
        for profile in ["colima", "colima-caproni"] {
            let error = usual().machine(profile).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig, "{profile}");
        }
    }

    #[test]
    fn a_name_too_long_for_lima_s_sockets_is_refused() {
        let home = Home { lima: format!("/{}", "x".repeat(60)).into(), ..usual() };
        assert!(home.machine("short").is_ok());
        let error = home.machine("a-name-of-forty-characters-is-a-long-one").unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidDriverConfig);
        assert!(error.message.contains("too long"), "{error}");
    }
}
