//! The Python face of the libyang binding: converts, locks, releases the GIL, maps errors.
//!
//! Every object may be used from any thread. A tree is locked for the time of a call; calls on two
//! objects lock them one after the other, never both while waiting.

mod context;
mod convert;
mod diff;
mod operation;
mod tree;

pub use context::Context;
pub use convert::yang_error;
use pyo3::prelude::*;
pub use tree::Tree;

/// Adds everything Python may use to the module `nf._native.yang`.
///
/// # Errors
/// Fails only when Python refuses to add a name to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<context::Context>()?;
    module.add_class::<tree::Tree>()?;
    module.add_class::<diff::Diff>()?;
    module.add_class::<operation::Operation>()?;
    module.add_class::<convert::Problem>()?;
    Ok(())
}
