//! The one extension module: registers the Python faces, nothing else.

use pyo3::prelude::*;

/// The compiled part of `nf`: the engine's face and libyang's, each a module of its own.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    add(module, "engine", nf_py::register)?;
    add(module, "yang", nf_libyang_py::register)
}

/// Adds a module inside this one, so that `from nf._native.NAME import …` finds it: Python looks
/// for it in `sys.modules`, since there is no folder to look in.
fn add(
    parent: &Bound<'_, PyModule>,
    name: &str,
    register: fn(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let full_name = format!("nf._native.{name}");
    let module = PyModule::new(parent.py(), &full_name)?;
    register(&module)?;
    parent.py().import("sys")?.getattr("modules")?.set_item(&full_name, &module)?;
    parent.setattr(name, module)
}
