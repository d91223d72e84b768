//! An engine on another machine, over ssh, as the docker command reaches it: `ssh HOST docker
//! system dial-stdio`, whose input and output are the connection.
//!
//! <https://docs.docker.com/engine/security/protect-access/#use-ssh-to-protect-the-docker-daemon-socket>,
//! <https://github.com/docker/cli/blob/master/cli/connhelper/connhelper.go>

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// How much is kept of what ssh says when it fails, in bytes.
const SAID: u64 = 4096;

/// Where ssh is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Who logs in there, when the address says.
    pub user: Option<String>,
    /// A name, an address, or what `~/.ssh/config` calls a machine.
    pub host: String,
    /// The port, when the address says.
    pub port: Option<u16>,
    /// The engine's socket there, when it is not the one that docker would take there.
    pub socket: Option<String>,
}

impl Destination {
    /// Reads `[USER@]HOST[:PORT][/SOCKET]`, or tells what is wrong with it.
    pub(crate) fn parse(address: &str) -> Result<Self, &'static str> {
        if address.contains(['?', '#']) {
            return Err("has more than a user, a host, a port and a path");
        }
        let (authority, path) = address.split_once('/').unwrap_or((address, ""));
        let (user, place) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, place)| (Some(user), place));
        if user.is_some_and(|user| user.contains(':')) {
            return Err("has a password, which ssh does not take; use a key");
        }
        let (host, port) = host_and_port(place).ok_or("has a port that is none")?;
        if host.is_empty() || user == Some("") {
            return Err("has no host or no user");
        }
        let socket = path.trim_matches('/');
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
            socket: (!socket.is_empty()).then(|| format!("/{socket}")),
        })
    }

    /// The arguments of `ssh`. It never asks: a driver has no terminal to be asked at.
    fn arguments(&self) -> Vec<String> {
        let options = ["-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-T"].map(str::to_owned);
        let command = [self.docker("system"), "dial-stdio".into()].join(" ");
        self.login()
            .into_iter()
            .chain(options)
            .chain(["--".into(), self.host.clone(), command])
            .collect()
    }

    /// What a user runs to see whether a command of docker works there.
    pub(crate) fn command_line(&self, command: &str) -> String {
        let login = self.login();
        let words = login.iter().chain([&self.host]).map(|word| quoted(word));
        let words: Vec<String> = words.collect();
        format!("ssh {} {}", words.join(" "), self.docker(command))
    }

    fn login(&self) -> Vec<String> {
        let user = self.user.iter().flat_map(|user| ["-l".into(), user.clone()]);
        let port = self.port.iter().flat_map(|port| ["-p".into(), port.to_string()]);
        user.chain(port).collect()
    }

    /// A line for the shell there, which is what ssh gives to it.
    fn docker(&self, command: &str) -> String {
        match &self.socket {
            Some(socket) => format!("docker --host=unix://{} {command}", quoted(socket)),
            None => format!("docker {command}"),
        }
    }

    /// Opens a connection. That nobody answers there is told by the first read.
    ///
    /// # Errors
    /// When `ssh` cannot be run.
    pub(crate) fn connect(&self) -> io::Result<Tunnel> {
        let mut command = Command::new("ssh");
        command.args(self.arguments()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot run `ssh`: {error}")))?;
        let missing = || io::Error::other("ssh has no pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        Ok(Tunnel { stdin, stdout, ending: Box::pin(ending(child, stderr)) })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

fn quoted(word: &str) -> String {
    // Only a NUL has no form, and no variable of the environment holds one.
    shlex::try_quote(word).map_or_else(|_| "''".to_owned(), Into::into)
}

/// A host, also an address of IPv6 in brackets, and the port after it.
fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest),
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port.parse().ok()?))),
        None => rest.is_empty().then_some((host, None)),
    }
}

type Ending = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// One connection, which is one `ssh`: it ends with this value.
pub(crate) struct Tunnel {
    stdin: ChildStdin,
    stdout: ChildStdout,
    ending: Ending,
}

/// Waits for ssh's end, and tells why if it did not end well.
async fn ending(mut child: Child, stderr: ChildStderr) -> io::Result<()> {
    let mut said = Vec::new();
    stderr.take(SAID).read_to_end(&mut said).await?;
    let status = child.wait().await?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = if lines.is_empty() { status.to_string() } else { lines.join("; ") };
    let named = if said.starts_with("ssh: ") { said } else { format!("ssh: {said}") };
    Err(io::Error::new(io::ErrorKind::NotConnected, named))
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            return Poll::Ready(Ok(()));
        }
        self.ending.as_mut().poll(cx)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.stdin).poll_write(cx, bytes)) {
            // It has ended; why is better to know than that it has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                let ended = ready!(self.ending.as_mut().poll(cx));
                Poll::Ready(Err(ended.err().unwrap_or(error)))
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_what_dockers_has() {
        for (address, user, host, port, socket) in [
            ("far", None, "far", None, None),
            ("me@far", Some("me"), "far", None, None),
            ("me@far:2222/", Some("me"), "far", Some(2222), None),
            ("[fd00::1]:22", None, "fd00::1", Some(22), None),
            (
                "far/run/user/1000/docker.sock",
                None,
                "far",
                None,
                Some("/run/user/1000/docker.sock"),
            ),
        ] {
            let read = Destination::parse(address).unwrap();
            assert_eq!((read.user.as_deref(), read.host.as_str()), (user, host), "{address}");
            assert_eq!((read.port, read.socket.as_deref()), (port, socket), "{address}");
            assert_eq!(read.to_string(), format!("ssh://{}", address.trim_end_matches('/')));
        }
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        for address in ["", "me:secret@far", "far?a=b", "far#a", "@far", "far:ssh", "[::1]x", "me@"]
        {
            let wrong = Destination::parse(address).unwrap_err();
            assert!(!wrong.contains("secret"), "{wrong}");
        }
    }

    #[test]
    fn nothing_in_an_address_becomes_an_option_or_a_command() {
        let read = Destination::parse("me@-oProxyCommand=touch/tmp/a b;c").unwrap();
        let arguments = read.arguments();
        let words: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (options, rest) = words.split_at(words.iter().position(|word| *word == "--").unwrap());
        assert_eq!(options, ["-l", "me", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-T"]);
        let command = "docker --host=unix://'/tmp/a b;c' system dial-stdio";
        assert_eq!(rest[1..], ["-oProxyCommand=touch", command]);
    }
}
