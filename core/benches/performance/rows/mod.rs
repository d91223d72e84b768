//! The rows of the table, those together that are measured together.

pub(crate) mod drivers;
pub(crate) mod instructions;
pub(crate) mod k3d;
pub(crate) mod list;
pub(crate) mod memory;
pub(crate) mod mock;
pub(crate) mod session;
pub(crate) mod size;
