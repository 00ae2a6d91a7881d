//! The one extension module: registers the Python faces, nothing else.

use pyo3::prelude::*;

/// The compiled part of `nf`; import it through `nf.datapath`, not directly.
#[pymodule]
fn _engine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    nf_py::register(module)
}
