//! The one extension module: registers the Python faces, nothing else.

use pyo3::prelude::*;

/// The extension behind `nf._native`; use the modules of `nf._native`.
#[pymodule]
fn _compiled(module: &Bound<'_, PyModule>) -> PyResult<()> {
    add(module, "engine", nf_py::register)?;
    add(module, "yang", nf_libyang_py::register)?;
    add(module, "gnmi", nf_gnmi_py::register)
}

/// Adds a module inside this one; files of the same name in `nf/_native` hand its names on.
fn add(
    extension: &Bound<'_, PyModule>,
    name: &str,
    register: fn(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let module = PyModule::new(extension.py(), name)?;
    register(&module)?;
    extension.add(name, module)
}
