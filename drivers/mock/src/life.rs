//! What a cluster goes through, and what is left when that fails.

use caproni_driver::{Change, ChangeCost, Error, Outcome, Request, State};

use crate::config::Config;
use crate::simulate::{Operation, Simulate, Step};
use crate::store::{Phase, Record, RecordFile};

/// Makes a cluster where there is none, or half a one, and takes it back when that fails.
pub(crate) async fn create(
    request: &Request,
    file: &RecordFile,
    config: &Config,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    // The logs of half a cluster are those of other nodes.
    file.remove()?;
    let mut record = Record::new(Phase::Creating, config);
    let created = async {
        file.write(&record)?;
        file.log(&record, "created")?;
        let steps = [("create", "creating the nodes"), ("boot", "starting Kubernetes")];
        simulate.act(request, Operation::Start, &steps).await?;
        file.log(&record, "started")?;
        record.phase = Phase::Running;
        file.write(&record)
    };
    if let Err(mut error) = created.await {
        if !simulate.leave_half
            && let Err(remains) = file.remove()
        {
            error = error.with_cause(format!("rollback: {remains}"));
        }
        return Err(leaving(error, file));
    }
    Ok(Outcome::new(Change::Created).with_message("a mock cluster is a file, and nothing runs"))
}

/// Starts a cluster that stopped, or brings a running one up to a config that it can take over.
pub(crate) async fn start_again(
    request: &Request,
    file: &RecordFile,
    mut record: Record,
    config: &Config,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    let updated = record.take_over(file.profile(), config, &ChangeCost::Live)?;
    let stopped = record.phase == Phase::Stopped;
    let steps: &[Step] = if stopped { &[("start", "starting the nodes")] } else { &[] };
    let done = simulate.act(request, Operation::Start, steps).await;
    done.map_err(|error| leaving(error, file))?;
    let (change, happened) = match (stopped, updated) {
        (true, _) => (Change::Started, "started"),
        (false, true) => (Change::Updated, "took over a changed config"),
        (false, false) => return Ok(Outcome::new(Change::None)),
    };
    record.phase = Phase::Running;
    file.log(&record, happened)?;
    file.write(&record)?;
    Ok(Outcome::new(change))
}

/// Stops a cluster that runs.
pub(crate) async fn stop(
    request: &Request,
    file: &RecordFile,
    record: Option<Record>,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    let running = record.filter(|record| record.phase == Phase::Running);
    let steps: &[Step] = if running.is_some() { &[("stop", "stopping the nodes")] } else { &[] };
    let done = simulate.act(request, Operation::Stop, steps).await;
    done.map_err(|error| leaving(error, file))?;
    let Some(mut record) = running else { return Ok(Outcome::new(Change::None)) };
    record.phase = Phase::Stopped;
    file.log(&record, "stopped")?;
    file.write(&record)?;
    Ok(Outcome::new(Change::Stopped))
}

/// Stops a cluster that runs, and starts it with what a restart can change.
pub(crate) async fn restart(
    request: &Request,
    file: &RecordFile,
    mut record: Record,
    config: &Config,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    record.take_over(file.profile(), config, &ChangeCost::Restart)?;
    record.phase = Phase::Stopped;
    file.log(&record, "stopped")?;
    file.write(&record)?;
    let steps = [("stop", "stopping the nodes"), ("start", "starting the nodes")];
    let done = simulate.act(request, Operation::Restart, &steps).await;
    done.map_err(|error| leaving(error, file))?;
    record.phase = Phase::Running;
    file.log(&record, "started")?;
    file.write(&record)?;
    Ok(Outcome::new(Change::Restarted))
}

/// Removes all that there is of a cluster.
pub(crate) async fn destroy(
    request: &Request,
    file: &RecordFile,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    let steps: &[Step] = if file.exists() { &[("destroy", "removing the nodes")] } else { &[] };
    let done = simulate.act(request, Operation::Destroy, steps).await;
    done.map_err(|error| leaving(error, file))?;
    let removed = file.remove()?;
    Ok(Outcome::new(if removed { Change::Destroyed } else { Change::None }))
}

/// Says in which state a request that failed leaves the cluster, unless the error does.
pub(crate) fn leaving(mut error: Error, file: &RecordFile) -> Error {
    let state = match file.read() {
        Ok(record) => record.map_or(State::Stopped, |record| record.phase.state()),
        Err(_) => State::NotReady,
    };
    error.data.state.get_or_insert(state);
    error
}
