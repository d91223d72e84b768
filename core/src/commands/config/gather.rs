//! What the installed drivers say of themselves, asked all at the same time.

use std::collections::BTreeMap;
use std::time::Duration;

use caproni_driver::Description;
use tokio::task::JoinSet;

use crate::commands::App;
use crate::discovery::Driver;
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::session::Session;

/// How long a driver may take to say who it is, when the user says nothing.
const LIMIT: Duration = Duration::from_secs(5);

/// What became of asking one driver.
pub(super) type Answer = Result<Description, Error>;

/// Asks drivers who they are, in the order of their names. Dropped half done, it ends what it
/// has started.
pub(super) async fn descriptions(app: &App, drivers: Vec<Driver>) -> BTreeMap<String, Answer> {
    let limit = app.global.timeout.unwrap_or(LIMIT);
    let mut asked = JoinSet::new();
    for driver in drivers {
        let listener = app.listener();
        asked.spawn(async move {
            let interrupt = Interrupt::default();
            let talk = async {
                let session = Session::open(&driver, None, &interrupt, listener).await?;
                let description = session.description.clone();
                session.close().await;
                Ok(description)
            };
            let answer = tokio::time::timeout(limit, talk).await;
            let name = driver.name.clone();
            (name, answer.unwrap_or_else(|_| Err(late(&driver, limit))))
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(joined) = asked.join_next().await {
        answers.extend(joined.ok());
    }
    answers
}

fn late(driver: &Driver, limit: Duration) -> Error {
    let (path, limit) = (driver.path.display(), humantime::format_duration(limit));
    Error::new(Kind::DriverUnresponsive, format!("driver `{path}` did not answer within {limit}"))
}

/// Does something until it is done or the user wants an end.
pub(super) async fn or_cancelled<T>(app: &App, work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = app.interrupt.first() => Err(caproni_driver::Error::cancelled().into()),
        done = work => Ok(done),
    }
}
