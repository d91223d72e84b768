//! Images that are put onto the nodes: a mock node keeps their names.

use std::collections::BTreeSet;
use std::path::Path;

use caproni_driver::{Change, Error, Outcome, Request};

use crate::life::leaving;
use crate::plan::not_found;
use crate::simulate::{Operation, Simulate, Step};
use crate::store::{Record, RecordFile};

/// Adds images to those of a running cluster: all of them, or none.
pub(crate) async fn load(
    request: &Request,
    file: &RecordFile,
    mut record: Record,
    images: Vec<String>,
    simulate: &Simulate,
) -> Result<Outcome, Error> {
    if let Some(missing) = images.iter().find(|image| !is_there(image)) {
        let message = format!("there is no archive `{}`", missing.escape_debug());
        return Err(not_found(message, missing.clone()));
    }
    let fresh = images.into_iter().filter(|image| !record.images.contains(image));
    let fresh: BTreeSet<_> = fresh.collect();
    let steps: &[Step] = if fresh.is_empty() { &[] } else { &[("load", "loading the images")] };
    let done = simulate.act(request, Operation::LoadImage, steps).await;
    done.map_err(|error| leaving(error, file))?;
    if fresh.is_empty() {
        return Ok(Outcome::new(Change::None));
    }
    for image in &fresh {
        file.log(&record, &format!("image `{}` loaded", image.escape_debug()))?;
    }
    record.images.extend(fresh);
    file.write(&record)?;
    Ok(Outcome::new(Change::Loaded))
}

/// Without an engine any name is taken; an archive is a file that can be looked at.
fn is_there(image: &str) -> bool {
    let path = Path::new(image);
    !image.is_empty() && (!path.is_absolute() || path.is_file())
}
