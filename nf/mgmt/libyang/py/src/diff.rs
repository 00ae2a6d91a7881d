//! `Diff`.

use std::sync::Mutex;

use nf_libyang::Diff as Changes;
use pyo3::prelude::*;

use crate::convert::{locked, yang_error};

/// Changes from one tree to another.
#[pyclass(module = "nf._native.yang", frozen)]
pub(crate) struct Diff(pub(crate) Mutex<Changes>);

impl From<Changes> for Diff {
    fn from(changes: Changes) -> Self {
        Self(Mutex::new(changes))
    }
}

type Row = (&'static str, String, Option<String>, Option<String>);

#[pymethods]
impl Diff {
    /// Whether nothing changes.
    fn is_empty(&self, py: Python<'_>) -> bool {
        py.detach(|| locked(&self.0).is_empty())
    }

    /// The changes that lead back.
    fn reversed(&self, py: Python<'_>) -> PyResult<Self> {
        py.detach(|| locked(&self.0).reversed()).map(Self::from).map_err(yang_error)
    }

    /// Operation, data path, new and old value of every changed node.
    fn changes(&self, py: Python<'_>) -> Vec<Row> {
        py.detach(|| {
            let changes = locked(&self.0).changes();
            changes.into_iter().map(|c| (c.operation, c.path, c.new, c.old)).collect()
        })
    }

    /// As XML with yang:operation metadata.
    fn to_xml(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        py.detach(|| locked(&self.0).to_xml()).map_err(yang_error)
    }

    /// Adds changes that come after these.
    fn merge(&self, py: Python<'_>, later: &Self) -> PyResult<()> {
        py.detach(|| {
            // A copy, so that no two locks are held: two threads may merge in opposite directions.
            let later = locked(&later.0).copy()?;
            locked(&self.0).merge(&later)
        })
        .map_err(yang_error)
    }
}
