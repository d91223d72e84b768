//! What a driver says of itself, and the one name that all its requests hold.

use crate::error::{Error, ErrorKind};
use crate::messages::{Capabilities, ConfigSchema, Description, PROTOCOL_VERSION};

/// Writes the answer to `initialize` for a driver and its config type.
///
/// `methods` are the optional methods it answers. Every driver that uses
/// [`serve`](crate::serve()) has the feature `cancel`.
///
/// # Errors
/// `UnsupportedProtocolVersion` when the host offers no version this crate speaks.
pub fn describe<Config: schemars::JsonSchema>(
    name: &str,
    version: &str,
    methods: &[&str],
    offered: &[u32],
) -> Result<Description, Error> {
    describe_as(name, version, methods, offered, crate::config::schema::<Config>().into())
}

/// As [`describe`], with a schema that need not be made of the config's type each time.
///
/// # Errors
/// As [`describe`].
pub fn describe_as(
    name: &str,
    version: &str,
    methods: &[&str],
    offered: &[u32],
    config_schema: ConfigSchema,
) -> Result<Description, Error> {
    if !offered.contains(&PROTOCOL_VERSION) {
        let message = format!("driver `{name}` speaks protocol version {PROTOCOL_VERSION} only");
        let mut error = Error::new(ErrorKind::UnsupportedProtocolVersion, message);
        error.data.supported = vec![PROTOCOL_VERSION];
        return Err(error);
    }
    Ok(Description {
        protocol_version: PROTOCOL_VERSION,
        name: name.into(),
        version: version.into(),
        capabilities: Capabilities {
            methods: methods.iter().map(|&method| method.into()).collect(),
            features: vec!["cancel".into()],
        },
        config_schema,
    })
}

/// A cluster's name: a DNS label (RFC 1123), since backends make host names of it.
///
/// # Errors
/// `InvalidDriverConfig` that says what is wrong with it.
pub fn check_profile(profile: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let valid = (1..=63).contains(&profile.len())
        && profile.chars().all(allowed)
        && !profile.starts_with('-')
        && !profile.ends_with('-');
    if valid {
        return Ok(());
    }
    let message = format!("profile `{}` is not a valid name", profile.escape_debug());
    Err(Error::new(ErrorKind::InvalidDriverConfig, message)
        .with_hint("use 1 to 63 lowercase letters, digits and `-`, and no `-` at either end"))
}
