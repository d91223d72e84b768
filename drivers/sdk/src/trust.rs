//! Whether a program is its user's own to run: what others can write, they can have run.
//!
//! Looked at are the file and the folder it is in, and where the file is a symbolic link, the
//! link and both of what it leads to. Folders further up are not: those above a checkout of a CI
//! job are often open to all (GitLab's `/builds`), and who may write there is the job's affair.

use std::fs::{Metadata, metadata, symlink_metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::text::command_line;

/// The variable that lets drivers run all the same that others can write, where it is `1`.
pub const ALLOW_WRITABLE: &str = "CAPRONI_ALLOW_WRITABLE_DRIVERS";

/// Why a program is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// What is wrong, with the path, its mode and its owner.
    pub why: String,
    /// The command that mends it.
    pub remedy: String,
}

/// Tells what makes a program one that somebody else can put in its place or change; `None` where
/// only its user and root can, and where `CAPRONI_ALLOW_WRITABLE_DRIVERS` says that it is wanted.
pub fn distrust(program: &Path) -> Option<Distrust> {
    let allowed = std::env::var_os(ALLOW_WRITABLE);
    if allowed.is_some_and(|value| !matches!(value.to_str(), Some("" | "0" | "false" | "no"))) {
        return None;
    }
    distrusted_by(&Me::of_process(), program)
}

/// Tells whether what belongs to a user is as good as one's own: that is root's too, and where
/// root acts for somebody with `sudo`, that one's.
pub fn is_ours(owner: u32) -> bool {
    Me::of_process().trusts(owner)
}

fn distrusted_by(me: &Me, program: &Path) -> Option<Distrust> {
    let target = program.canonicalize().unwrap_or_else(|_| program.to_path_buf());
    let folder = |path: &Path| path.parent().map(Path::to_path_buf);
    let looked_at =
        [Some(program.to_path_buf()), folder(program), Some(target.clone()), folder(&target)];
    looked_at.into_iter().flatten().find_map(|path| {
        // Of a link, who made it: anyone can make one in `/tmp`, and its mode says nothing.
        let made = symlink_metadata(&path).ok()?;
        let open = if made.is_symlink() { me.foreign(&made) } else { None };
        open.or_else(|| me.open(&metadata(&path).ok()?)).map(|open| open.told(&path))
    })
}

/// Who runs the program.
struct Me {
    /// The users whose own files are trusted.
    users: Vec<u32>,
    groups: Groups,
}

/// Which groups have no member but trusted users.
struct Groups {
    users: Vec<u32>,
    /// Read when a file is found that its group can write, which is rare: every start of a driver
    /// asks, and `drivers list` once for each.
    people: OnceLock<People>,
}

/// The texts of `/etc/passwd` and `/etc/group`, empty where these do not tell.
struct People {
    passwd: String,
    group: String,
}

/// What is open to others.
struct Open {
    what: &'static str,
    uid: u32,
    gid: u32,
    mode: u32,
    is_owner: bool,
}

impl Me {
    fn of_process() -> Self {
        let own = rustix::process::geteuid().as_raw();
        // As git does for a repository (its `safe.directory`): with `sudo` one's own files stay so.
        let sudo = std::env::var("SUDO_UID").ok().and_then(|id| id.parse().ok());
        let users = [Some(0), Some(own), sudo.filter(|_| own == 0)];
        Self::new(users.into_iter().flatten().collect(), OnceLock::new())
    }

    fn new(users: Vec<u32>, people: OnceLock<People>) -> Self {
        let groups = Groups { users: users.clone(), people };
        Self { users, groups }
    }

    fn trusts(&self, owner: u32) -> bool {
        self.users.contains(&owner)
    }

    fn foreign(&self, metadata: &Metadata) -> Option<Open> {
        let open = |what, is_owner| Open {
            what,
            is_owner,
            uid: metadata.uid(),
            gid: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        };
        (!self.trusts(metadata.uid())).then(|| open("belongs to another user", true))
    }

    fn open(&self, metadata: &Metadata) -> Option<Open> {
        self.foreign(metadata).or_else(|| {
            let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
            let what = self.writable(metadata.is_dir(), gid, mode)?;
            Some(Open { what, uid, gid, mode, is_owner: false })
        })
    }

    /// Who else can write to what belongs to a trusted user.
    fn writable(&self, is_folder: bool, gid: u32, mode: u32) -> Option<&'static str> {
        // In a folder like `/tmp` (sticky) nobody can replace what is another's.
        let sticky = is_folder && mode & 0o1000 != 0;
        match mode {
            _ if sticky => None,
            mode if mode & 0o002 != 0 => Some("can be written by everybody"),
            mode if mode & 0o020 != 0 && !self.groups.have_no_others(gid) => {
                Some("can be written by its group")
            }
            _ => None,
        }
    }
}

impl Groups {
    /// Tells whether only trusted users are in a group. Distributions give each user a group of
    /// their own, and files that it may write (a umask of 002): nobody else is in it.
    fn have_no_others(&self, gid: u32) -> bool {
        // Root's own, and macOS' `admin`, whose members may do what root may.
        if gid == 0 || (cfg!(target_os = "macos") && gid == 80) {
            return true;
        }
        let People { passwd, group } = self.people.get_or_init(People::of_machine);
        let Some(members) = fields(group).find_map(|line| is_group(&line, gid)) else {
            // Where nobody says who is in it, the group with a user's own number is that user's.
            return self.users.contains(&gid);
        };
        let is_trusted = |id: Option<u32>| id.is_some_and(|id| self.users.contains(&id));
        let users: Vec<_> = fields(passwd).filter(|user| user.len() > 3).collect();
        let id_of = |name: &str| users.iter().find(|user| user[0] == name)?[2].parse().ok();
        let by_name = members.split(',').filter(|name| !name.is_empty());
        let mut first = users.iter().filter(|user| user[3].parse() == Ok(gid));
        by_name.map(id_of).all(is_trusted) && first.all(|user| is_trusted(user[2].parse().ok()))
    }
}

impl People {
    fn of_machine() -> Self {
        let read = |path: &str| match cfg!(target_os = "linux") {
            true => std::fs::read_to_string(path).unwrap_or_default(),
            // macOS keeps its people elsewhere.
            false => String::new(),
        };
        Self { passwd: read("/etc/passwd"), group: read("/etc/group") }
    }
}

/// The members of a line of `/etc/group`, if it is the group's.
fn is_group(line: &[String], gid: u32) -> Option<String> {
    (line.get(2)?.parse() == Ok(gid)).then(|| line.get(3).cloned().unwrap_or_default())
}

/// The fields of each line of `/etc/passwd` or `/etc/group`.
fn fields(text: &str) -> impl Iterator<Item = Vec<String>> {
    text.lines().map(|line| line.split(':').map(str::to_owned).collect())
}

impl Open {
    fn told(&self, path: &Path) -> Distrust {
        let Self { what, uid, gid, mode, .. } = self;
        let shown = path.display();
        let why = format!(
            "`{shown}` {what}: its mode is {mode:04o}, its owner is user {uid}, its group is {gid}"
        );
        let path = PathBuf::from(path).into_os_string();
        let remedy = match self.is_owner {
            true => {
                let owner = rustix::process::geteuid().as_raw().to_string();
                command_line(["chown".into(), "-h".into(), owner.into(), path])
            }
            false => command_line(["chmod".into(), "go-w".into(), path]),
        };
        Distrust { why, remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n\
                          bob:x:1001:1001::/home/bob:/bin/sh\ncarl:x:1002:60::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:\nann:x:1000:\nours:x:2000:ann,bob\n\
                         mine:x:2001:ann,root\nusers:x:60:ann\n";

    fn among(users: Vec<u32>, passwd: &str, group: &str) -> Me {
        Me::new(users, People { passwd: passwd.into(), group: group.into() }.into())
    }

    fn ann() -> Me {
        among(vec![0, 1000], PASSWD, GROUP)
    }

    #[test]
    fn a_group_counts_as_others_when_somebody_else_is_in_it() {
        for (gid, alone) in [
            (0, true),
            (1000, true),
            (50, true),
            (2001, true),
            // `bob` by name, `carl` by its first group, and one of which nobody knows anything.
            (2000, false),
            (60, false),
            (4711, false),
        ] {
            assert_eq!(ann().groups.have_no_others(gid), alone, "{gid}");
        }
        let unknown = among(vec![0, 1000], "", "");
        assert!(unknown.groups.have_no_others(1000) && !unknown.groups.have_no_others(1001));
    }

    #[test]
    fn who_can_write_is_read_from_the_mode() {
        const EVERYBODY: Option<&str> = Some("can be written by everybody");
        const GROUP: Option<&str> = Some("can be written by its group");
        for (is_folder, gid, mode, who) in [
            (false, 1000, 0o755, None),
            (false, 1000, 0o775, None),
            (true, 1000, 0o775, None),
            (false, 2000, 0o755, None),
            (false, 2000, 0o775, GROUP),
            (true, 2000, 0o2775, GROUP),
            (false, 1000, 0o757, EVERYBODY),
            (true, 0, 0o777, EVERYBODY),
            (true, 0, 0o1777, None),
            // A sticky file is nothing special.
            (false, 0, 0o1777, EVERYBODY),
        ] {
            assert_eq!(ann().writable(is_folder, gid, mode), who, "{is_folder} {gid} {mode:o}");
        }
    }

    #[test]
    fn what_is_neither_ones_own_nor_root_s_belongs_to_another() {
        assert!(ann().trusts(0) && ann().trusts(1000) && !ann().trusts(1001));
        assert!(is_ours(rustix::process::geteuid().as_raw()) && is_ours(0));
    }

    #[test]
    fn file_folder_link_and_what_it_leads_to_are_looked_at() {
        let root = tempfile::tempdir().unwrap();
        let chmod = |path: &Path, mode| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        };
        let [near, far] = ["near", "far"].map(|name| root.path().join(name));
        let [file, link] = [far.join("file"), near.join("link")];
        for folder in [&near, &far] {
            std::fs::create_dir(folder).unwrap();
            chmod(folder, 0o755);
        }
        std::fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        // A folder further up, as GitLab's `/builds`.
        chmod(root.path(), 0o777);
        chmod(&file, 0o755);
        assert_eq!(distrusted_by(&Me::of_process(), &link), None);
        for (path, mode) in [(&file, 0o757), (&far, 0o777), (&near, 0o777)] {
            chmod(path, mode);
            let why = distrusted_by(&Me::of_process(), &link).unwrap();
            assert!(why.why.contains("can be written by everybody"), "{why:?}");
            assert!(why.remedy.starts_with("chmod go-w "), "{why:?}");
            chmod(path, 0o755);
        }
        chmod(&near, 0o1777);
        assert_eq!(distrusted_by(&Me::of_process(), &link), None);
        let nobody = among(vec![4711], "", "");
        let why = distrusted_by(&nobody, &link).unwrap();
        assert!(why.why.contains("belongs to another user"), "{why:?}");
    }
}
