//! `Operation`.

use std::sync::Mutex;

use nf_libyang::Operation as Call;
use pyo3::prelude::*;

use crate::convert::{data, locked, plain, yang_error};

/// An RPC or action that somebody calls.
#[pyclass(module = "nf._native.yang", frozen)]
pub(crate) struct Operation(Mutex<Call>);

impl From<Call> for Operation {
    fn from(call: Call) -> Self {
        Self(Mutex::new(call))
    }
}

#[pymethods]
impl Operation {
    /// Schema path of the RPC or action.
    #[getter]
    fn path(&self) -> String {
        locked(&self.0).path()
    }

    /// Data path of the node that an action belongs to, empty for an RPC.
    #[getter]
    fn target(&self) -> String {
        locked(&self.0).target()
    }

    /// The input as plain values.
    fn input<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let input = py.detach(|| locked(&self.0).input()).map_err(yang_error)?;
        data(py, input)
    }

    /// The XML of a reply's content, from the output as plain values.
    fn reply(&self, py: Python<'_>, output: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        let output = plain(output)?;
        py.detach(|| locked(&self.0).reply(&output)).map_err(yang_error)
    }
}
