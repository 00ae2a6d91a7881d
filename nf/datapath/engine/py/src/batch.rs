//! A batch of rows of one kind.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, StructArray};
use nf_core::catalog;
use nf_core::engine::Engine;
use nf_core::finish::RowView;
use nf_core::format::ipfix::Exporter;
use nf_core::format::sums::{self, Sum};
use nf_core::format::{Column, Columns, UnknownColumn, arrow, csv, jsonl};
use nf_core::plan::ConfigError;
use nf_core::row::{Owned, Row, What};
use nf_core::snapshot::Snapshot;
use nf_fields::{Field, Value};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyDict, PyList, PyString};

use crate::convert;

/// Rows of one kind (`session`, `transaction`, `event`, `protocol`, `app` or `host`), in order.
#[pyclass(module = "nf._native.engine", frozen)]
pub struct Batch {
    rows: RwLock<Rows>,
    kind: &'static str,
    snapshot: Arc<Snapshot>,
}

/// What is kept of a text's room for the next: memory fresh from the system costs more to touch
/// than the text does to write.
const LARGEST_SCRATCH: usize = 16 << 20;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

enum Rows {
    /// What happened, row by row.
    Each(Vec<Row>),
    /// Sums at the end, with their fields.
    Sums(Vec<Sum>, &'static [Field]),
}

/// The columns of an output, for either kind of rows.
enum Chosen {
    Columns(Columns),
    Positions(Vec<usize>),
}

fn kind_of(row: &Row) -> &'static str {
    match row.what {
        What::Session => "session",
        What::Transaction { .. } => "transaction",
        What::Event { .. } => "event",
    }
}

impl Batch {
    /// Rows in their order, cut where the kind changes.
    pub(crate) fn split(mut rows: Vec<Row>, snapshot: &Arc<Snapshot>) -> Vec<Batch> {
        let runs: Vec<(usize, &'static str)> = rows
            .chunk_by(|a, b| kind_of(a) == kind_of(b))
            .filter_map(|run| Some((run.len(), kind_of(run.first()?))))
            .collect();
        // Rows of one kind, which is the rule, stay where they are.
        if let [(_, kind)] = runs[..] {
            return vec![Batch {
                rows: RwLock::new(Rows::Each(rows)),
                kind,
                snapshot: Arc::clone(snapshot),
            }];
        }
        let mut rows = rows.drain(..);
        let one = |(length, kind)| Batch {
            rows: RwLock::new(Rows::Each(rows.by_ref().take(length).collect())),
            kind,
            snapshot: Arc::clone(snapshot),
        };
        runs.into_iter().map(one).collect()
    }

    /// A batch without rows: it still tells columns and types. `None` when there is no such kind.
    pub(crate) fn empty(kind: &str, snapshot: &Arc<Snapshot>) -> Option<Batch> {
        if sums::fields(kind).is_some() {
            return Self::of_sums(kind, Vec::new(), snapshot);
        }
        let kind = ["session", "transaction", "event"].into_iter().find(|k| *k == kind)?;
        Some(Batch {
            rows: RwLock::new(Rows::Each(Vec::new())),
            kind,
            snapshot: Arc::clone(snapshot),
        })
    }

    /// Sessions, in the order given.
    pub(crate) fn of_sessions(rows: Vec<Row>, snapshot: &Arc<Snapshot>) -> Batch {
        Batch {
            rows: RwLock::new(Rows::Each(rows)),
            kind: "session",
            snapshot: Arc::clone(snapshot),
        }
    }

    /// Sums of a report; `None` when it is none of sums.
    pub(crate) fn of_sums(kind: &str, rows: Vec<Sum>, snapshot: &Arc<Snapshot>) -> Option<Batch> {
        let fields = sums::fields(kind)?;
        let kind = ["protocol", "app", "host"].into_iter().find(|k| *k == kind)?;
        Some(Batch {
            rows: RwLock::new(Rows::Sums(rows, fields)),
            kind,
            snapshot: Arc::clone(snapshot),
        })
    }

    /// Its rows as messages of IPFIX, appended to `out`; how many records they have.
    pub(crate) fn write_ipfix(&self, exporter: &mut Exporter, out: &mut Vec<u8>) -> u64 {
        match &*self.rows() {
            Rows::Each(rows) => exporter.write(out, rows, &self.snapshot),
            Rows::Sums(..) => 0,
        }
    }

    fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        // A panic while rows were read has left them as they were.
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the engine filter and sum up the rows.
    pub(crate) fn conclude(&self, engine: &mut Engine) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if let Rows::Each(rows) = &mut *rows {
            engine.conclude(rows, &self.snapshot);
        }
    }

    fn chosen(&self, fields: Option<Vec<String>>) -> PyResult<Chosen> {
        let rows = self.rows();
        let unknown = |UnknownColumn(name): UnknownColumn| {
            convert::config_error(ConfigError {
                what: format!("a {} has no field {name:?}", self.kind),
                place: "fields".into(),
                hint: match *rows {
                    Rows::Each(_) => "nf fields lists the fields of sessions; transactions \
                         have ts, transaction_protocol and protocol.field too, events their \
                         attributes"
                        .into(),
                    Rows::Sums(_, known) => {
                        let names: Vec<&str> = known.iter().map(|f| f.name).collect();
                        format!("one of {}", names.join(", "))
                    }
                },
            })
        };
        Ok(match (&*rows, fields) {
            (Rows::Each(_), None) => Chosen::Columns(Columns::usual(self.kind, &self.snapshot)),
            (Rows::Each(_), Some(names)) => {
                Chosen::Columns(Columns::named(&names, &self.snapshot).map_err(unknown)?)
            }
            (Rows::Sums(_, known), None) => Chosen::Positions((0..known.len()).collect()),
            (Rows::Sums(_, known), Some(names)) => {
                Chosen::Positions(sums::named(&names, known).map_err(unknown)?)
            }
        })
    }
}

/// Heading and type of each column.
fn headings(chosen: &Chosen, fields: &'static [Field]) -> Vec<(String, &'static str)> {
    match chosen {
        Chosen::Columns(columns) => {
            columns.0.iter().map(|c| (c.name().to_string(), c.ty().name())).collect()
        }
        Chosen::Positions(positions) => positions
            .iter()
            .filter_map(|&n| fields.get(n))
            .map(|f| (f.name.to_string(), f.ty.name()))
            .collect(),
    }
}

#[pymethods]
impl Batch {
    /// Kind of the rows.
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn __len__(&self) -> usize {
        match &*self.rows() {
            Rows::Each(rows) => rows.len(),
            Rows::Sums(rows, _) => rows.len(),
        }
    }

    /// Name and type of each column; lists and records count as text, as in CSV.
    #[pyo3(signature = (fields=None))]
    fn columns(&self, fields: Option<Vec<String>>) -> PyResult<Vec<(String, &'static str)>> {
        let known: &[Field] = match *self.rows() {
            Rows::Each(_) => &[],
            Rows::Sums(_, known) => known,
        };
        Ok(headings(&self.chosen(fields)?, known))
    }

    /// Takes other protocols, by name, for those found of sessions, by id; how many rows changed.
    fn reclassify(&self, verdicts: HashMap<u64, String>) -> PyResult<usize> {
        let mut known = HashMap::new();
        for (session, name) in verdicts {
            let proto = self.snapshot.catalog.by_name(&name).map(|protocol| protocol.id);
            let proto = proto.ok_or_else(|| {
                convert::config_error(ConfigError {
                    what: format!("a classifier said {name:?}, and there is no such protocol"),
                    place: format!("session {session}"),
                    hint: "nf protocols lists the protocols".into(),
                })
            })?;
            known.insert(session, proto);
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let Rows::Each(rows) = &mut *rows else { return Ok(0) };
        let mut changed = 0;
        for row in rows.iter_mut() {
            if let Some(proto) = known.get(&row.session.id) {
                row.reclassify(*proto);
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// JSON Lines.
    #[pyo3(signature = (fields=None))]
    fn to_jsonl<'py>(
        &self,
        py: Python<'py>,
        fields: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let chosen = self.chosen(fields)?;
        let mut text = SCRATCH.take();
        text.clear();
        py.detach(|| match (&*self.rows(), &chosen) {
            (Rows::Each(rows), Chosen::Columns(columns)) => {
                jsonl::write(&mut text, rows, columns, &self.snapshot);
            }
            (Rows::Sums(rows, _), Chosen::Positions(columns)) => {
                sums::jsonl(&mut text, rows, columns);
            }
            _ => {}
        });
        let bytes = PyBytes::new(py, &text);
        if text.capacity() <= LARGEST_SCRATCH {
            SCRATCH.set(text);
        }
        Ok(bytes)
    }

    /// CSV, with a header line if asked for.
    #[pyo3(signature = (fields=None, header=true))]
    fn to_csv<'py>(
        &self,
        py: Python<'py>,
        fields: Option<Vec<String>>,
        header: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let chosen = self.chosen(fields)?;
        let text = py.detach(|| {
            let mut text = Vec::with_capacity(self.__len__() * 300);
            match (&*self.rows(), &chosen) {
                (Rows::Each(rows), Chosen::Columns(columns)) => {
                    if header {
                        csv::write_header(&mut text, columns);
                    }
                    csv::write(&mut text, rows, columns, &self.snapshot);
                }
                (Rows::Sums(rows, fields), Chosen::Positions(columns)) => {
                    if header {
                        sums::csv_header(&mut text, fields, columns);
                    }
                    sums::csv(&mut text, rows, columns);
                }
                _ => {}
            }
            text
        });
        Ok(PyBytes::new(py, &text))
    }

    /// One dictionary per row, with the keys of JSON Lines; of the first `most` rows, if given.
    #[pyo3(signature = (fields=None, most=None))]
    fn to_dicts<'py>(
        &self,
        py: Python<'py>,
        fields: Option<Vec<String>>,
        most: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let most = most.unwrap_or(usize::MAX);
        let chosen = self.chosen(fields)?;
        match (&*self.rows(), chosen) {
            (Rows::Each(rows), Chosen::Columns(columns)) => {
                let keys: Vec<_> = columns.0.iter().map(|c| PyString::new(py, c.name())).collect();
                for row in rows.iter().take(most) {
                    list.append(dictionary(py, row, &columns, &keys, &self.snapshot)?)?;
                }
            }
            (Rows::Sums(rows, fields), Chosen::Positions(columns)) => {
                for row in rows.iter().take(most) {
                    let dict = PyDict::new(py);
                    for &n in &columns {
                        let name = fields.get(n).map_or("", |f| f.name);
                        dict.set_item(name, convert::value(py, row.get(n), 0)?)?;
                    }
                    list.append(dict)?;
                }
            }
            _ => {}
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
        let chosen = self.chosen(fields)?;
        let defect = |e: arrow_schema::ArrowError| {
            pyo3::exceptions::PyRuntimeError::new_err(format!("Arrow refused a batch: {e}"))
        };
        let batch = py.detach(|| match (&*self.rows(), &chosen) {
            (Rows::Each(rows), Chosen::Columns(columns)) => {
                arrow::batch(rows, columns, &self.snapshot)
            }
            (Rows::Sums(rows, fields), Chosen::Positions(columns)) => {
                sums::batch(rows, fields, columns)
            }
            _ => Err(arrow_schema::ArrowError::SchemaError("columns of other rows".into())),
        });
        let data = StructArray::from(batch.map_err(defect)?).to_data();
        let schema = FFI_ArrowSchema::try_from(data.data_type()).map_err(defect)?;
        let array = FFI_ArrowArray::new(&data);
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }
}

/// A row as a dictionary. `keys` are the names of the columns, made once per batch.
fn dictionary<'py>(
    py: Python<'py>,
    row: &Row,
    columns: &Columns,
    keys: &[Bound<'py, PyString>],
    snapshot: &Snapshot,
) -> PyResult<Bound<'py, PyDict>> {
    let view = RowView::new(row, snapshot);
    let dict = PyDict::new(py);
    for (column, key) in columns.0.iter().zip(keys) {
        match (column, &row.what) {
            (Column::TransactionProtocol { named: false }, _) => {}
            (Column::Transaction, What::Transaction { proto, record, .. }) => {
                let record = convert::record(py, &**record, 0)?;
                dict.set_item(catalog::name_of(*proto), record)?;
            }
            (Column::TransactionField(of, n, ..), What::Transaction { proto, record, .. })
                if of == proto =>
            {
                dict.set_item(key, convert::value(py, record.get(*n), 0)?)?;
            }
            (Column::EventAttribute(name, _), What::Event { event, values, .. }) => {
                let place = event.names.iter().position(|n| n == name);
                match place.and_then(|p| values.get(p)) {
                    None => {}
                    Some(Owned::Json(text)) => dict.set_item(key, convert::json(py, text)?)?,
                    Some(value) => dict.set_item(key, convert::value(py, value.value(), 0)?)?,
                }
            }
            (column, _) => {
                let mut outcome = Ok(());
                column.read(row, &view, &mut |value: Value<'_>| {
                    outcome = convert::value(py, value, 0).and_then(|v| dict.set_item(key, v));
                });
                outcome?;
            }
        }
    }
    Ok(dict)
}
