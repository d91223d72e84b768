//! The name that someone may have meant.

/// How alike two names must be, from 0 to 1.
const ALIKE: f64 = 0.75;

/// How alike a name must be for a file to be refused that works without it.
const VERY_ALIKE: f64 = 0.9;

/// The known name that is most like this one, if one is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    best(name, known, ALIKE)
}

/// The known name that this one is most likely a misspelling of.
pub(crate) fn misspelt<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    best(name, known, VERY_ALIKE)
}

fn best<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, least: f64) -> Option<&'a str> {
    let name = name.to_lowercase();
    let likeness = |known: &'a str| (strsim::jaro_winkler(&name, &known.to_lowercase()), known);
    let best = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > least).map(|(_, known)| known)
}

/// Words that say what an unknown name may have been meant to be.
pub(crate) fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("unknown {what} `{name}`, did you mean `{near}`?"),
        None => {
            let known: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
            format!("unknown {what} `{name}`; known are {}", known.join(", "))
        }
    }
}
