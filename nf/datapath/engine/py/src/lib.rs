//! The engine's Python face: converts, releases the GIL, maps errors.
//!
//! The boundary is small on purpose: an engine that is polled for batches, batches that turn
//! into bytes, dictionaries or Arrow, and a few tables to look things up in.

mod batch;
mod convert;
mod dump;
mod engine;
mod ipfix;
mod tables;

use pyo3::prelude::*;

/// Version of the engine, the same as the Python distribution's.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Adds everything Python may call to the extension module.
///
/// # Errors
/// Fails only when Python refuses to add a name to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(version, module)?)?;
    module.add_function(wrap_pyfunction!(tables::protocols, module)?)?;
    module.add_function(wrap_pyfunction!(tables::applications, module)?)?;
    module.add_function(wrap_pyfunction!(tables::risks, module)?)?;
    module.add_function(wrap_pyfunction!(tables::session_fields, module)?)?;
    module.add_function(wrap_pyfunction!(tables::filter_words, module)?)?;
    module.add_function(wrap_pyfunction!(tables::check_filter, module)?)?;
    module.add_function(wrap_pyfunction!(tables::examine, module)?)?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<batch::Batch>()?;
    module.add_class::<dump::Dumper>()?;
    module.add_class::<ipfix::IpfixExporter>()?;
    Ok(())
}
