//! A batch of rows of one kind.

use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, StructArray};
use nf_core::finish::{Finished, RowView};
use nf_core::format::{Columns, arrow, csv, jsonl};
use nf_core::plan::ConfigError;
use nf_core::row::{Owned, What};
use nf_core::snapshot::Snapshot;
use nf_fields::{Fields, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList};

use crate::convert;

/// Rows of one kind (`session`, `transaction` or `event`), in order.
#[pyclass(module = "nf.datapath._engine", frozen)]
pub struct Batch {
    rows: Vec<Finished>,
    kind: &'static str,
    snapshot: Arc<Snapshot>,
}

fn kind_of(row: &Finished) -> &'static str {
    match row.what {
        What::Session => "session",
        What::Transaction { .. } => "transaction",
        What::Event { .. } => "event",
    }
}

impl Batch {
    /// Rows in their order, cut where the kind changes.
    pub(crate) fn split(rows: Vec<Finished>, snapshot: &Arc<Snapshot>) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        for row in rows {
            let kind = kind_of(&row);
            match batches.last_mut() {
                Some(last) if last.kind == kind => last.rows.push(row),
                _ => batches.push(Batch { rows: vec![row], kind, snapshot: Arc::clone(snapshot) }),
            }
        }
        batches
    }

    fn columns(&self, fields: Option<Vec<String>>) -> PyResult<Columns> {
        match fields {
            None => Ok(Columns::usual(self.kind, &self.snapshot)),
            Some(names) => Columns::named(&names, &self.snapshot).map_err(|unknown| {
                convert::config_error(ConfigError {
                    what: format!("no column {:?}", unknown.0),
                    place: "fields".into(),
                    hint: "session columns, ts, transaction, event, or protocol.field".into(),
                })
            }),
        }
    }
}

#[pymethods]
impl Batch {
    /// Kind of the rows.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn __len__(&self) -> usize {
        self.rows.len()
    }

    /// JSON Lines.
    #[pyo3(signature = (fields=None))]
    fn to_jsonl<'py>(
        &self,
        py: Python<'py>,
        fields: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let columns = self.columns(fields)?;
        let text = py.detach(|| {
            let mut text = Vec::with_capacity(self.rows.len() * 700);
            jsonl::write(&mut text, &self.rows, &columns, &self.snapshot);
            text
        });
        Ok(PyBytes::new(py, &text))
    }

    /// CSV, with a header line if asked for.
    #[pyo3(signature = (fields=None, header=true))]
    fn to_csv<'py>(
        &self,
        py: Python<'py>,
        fields: Option<Vec<String>>,
        header: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let columns = self.columns(fields)?;
        let text = py.detach(|| {
            let mut text = Vec::with_capacity(self.rows.len() * 300);
            if header {
                csv::write_header(&mut text, &columns);
            }
            csv::write(&mut text, &self.rows, &columns, &self.snapshot);
            text
        });
        Ok(PyBytes::new(py, &text))
    }

    /// One dictionary per row, with the keys of JSON Lines.
    fn to_dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for row in &self.rows {
            let view = RowView::new(row, &self.snapshot);
            let dict = PyDict::new(py);
            let session = nf_core::finish::SESSION_FIELDS.iter().enumerate();
            for (n, field) in session.take(nf_core::finish::DEFAULT_SESSION_FIELDS) {
                dict.set_item(field.name, convert::value(py, view.get(n), 0)?)?;
            }
            match &row.what {
                What::Session => {}
                What::Transaction { proto, ts, record } => {
                    dict.set_item("ts", convert::value(py, Value::Time(*ts), 0)?)?;
                    let name = nf_core::catalog::name_of(*proto);
                    dict.set_item(name, convert::record(py, &**record, 0)?)?;
                }
                What::Event { event, ts, values } => {
                    dict.set_item("ts", convert::value(py, Value::Time(*ts), 0)?)?;
                    dict.set_item("event", &event.name)?;
                    for (name, value) in event.names.iter().zip(values.iter()) {
                        dict.set_item(name, convert::value(py, Owned::value(value), 0)?)?;
                    }
                }
            }
            list.append(dict)?;
        }
        Ok(list)
    }

    /// The Arrow PyCapsule interface: schema and array of one struct per row.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The columns have one type each; the protocol allows to answer with that.
        drop(requested_schema);
        self.arrow(py, None)
    }

    /// As `__arrow_c_array__`, for columns of the caller's choice.
    #[pyo3(signature = (fields=None))]
    fn arrow<'py>(
        &self,
        py: Python<'py>,
        fields: Option<Vec<String>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let columns = self.columns(fields)?;
        let defect = |e: arrow_schema::ArrowError| {
            pyo3::exceptions::PyRuntimeError::new_err(format!("Arrow refused a batch: {e}"))
        };
        let batch =
            py.detach(|| arrow::batch(&self.rows, &columns, &self.snapshot)).map_err(defect)?;
        let data = StructArray::from(batch).to_data();
        let schema = FFI_ArrowSchema::try_from(data.data_type()).map_err(defect)?;
        let array = FFI_ArrowArray::new(&data);
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }
}
