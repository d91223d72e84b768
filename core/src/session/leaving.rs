//! The end of a session whose driver need not be waited for before there is something to show.

use std::time::Duration;

use super::{Link, Session, Told};
use crate::process::Process;
use crate::transport::Event;

/// A driver whose stdin is closed, which is its word to end. Dropped before it has, it is killed.
#[derive(Debug)]
pub struct Leaving {
    process: Process,
    listener: Told,
}

impl Session {
    /// Closes the driver's stdin, and waits for nothing.
    pub fn leave(self) -> Leaving {
        let Link { client, process, listener, .. } = self.link;
        drop(client);
        Leaving { process, listener }
    }
}

impl Leaving {
    /// Waits until the driver has ended, and sees to it that it does: SIGTERM after 5 s, SIGKILL after
    /// 5 more.
    pub async fn ended(self) {
        self.process.close().await;
        self.tell();
    }

    /// Waits until the driver has ended, and kills it after `patience` with all that it runs: for one
    /// that was only asked and changes nothing.
    pub async fn ended_within(self, patience: Duration) {
        if tokio::time::timeout(patience, self.process.ended()).await.is_err() {
            self.process.terminate(Duration::ZERO).await;
        }
        self.tell();
    }

    fn tell(&self) {
        (self.listener.0)(Event::Ended(self.process.how_it_ended()));
    }
}
