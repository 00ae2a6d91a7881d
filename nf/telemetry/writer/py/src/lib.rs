//! The Python face of the writer: converts, locks, releases the GIL.

use std::sync::{Arc, Mutex, PoisonError};

use nf_gnmi::{Element, Encoding, Kept, Newest, Pattern, Told as RustTold, WriteError};
use nf_libyang_py::{Context, Tree, yang_error};
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// Adds everything Python may use to the module `nf._native.gnmi`.
///
/// # Errors
/// Fails only when Python refuses to add a name to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Schema>()?;
    module.add_class::<Leaves>()?;
    module.add_class::<Shown>()?;
    module.add_class::<Feed>()?;
    module.add_class::<Told>()?;
    Ok(())
}

fn write_error(error: WriteError) -> PyErr {
    match error {
        WriteError::TooLarge => PyOverflowError::new_err(error.to_string()),
        WriteError::Yang(error) => yang_error(error),
    }
}

/// What is written of each schema node.
#[pyclass(module = "nf._native.gnmi", frozen)]
struct Schema(Arc<nf_gnmi::Schema>);

#[pymethods]
impl Schema {
    /// Reads the schema of a context once.
    #[new]
    fn new(py: Python<'_>, context: &Context) -> Self {
        let modules = context.modules_of();
        Self(Arc::new(py.detach(|| nf_gnmi::Schema::new(modules))))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}

/// Leaves that are wanted.
#[pyclass(module = "nf._native.gnmi", frozen)]
struct Leaves(Kept);

#[pymethods]
impl Leaves {
    /// One octet for each schema node, in the order of `Context.nodes()`.
    #[new]
    fn new(wanted: &[u8]) -> Self {
        Self(Kept::new(wanted))
    }
}

/// An element of a pattern: name, module, keys.
type Step = (String, Option<String>, Vec<(String, String)>);

/// What of the data is told, and how it is written.
#[pyclass(module = "nf._native.gnmi", frozen)]
struct Shown(nf_gnmi::Shown);

#[pymethods]
impl Shown {
    #[new]
    #[pyo3(signature = (schema, leaves, pattern, encoding, *, skip=0, qualified=false, depth=0, aggregate=false))]
    #[expect(clippy::too_many_arguments, reason = "they are what can be asked for")]
    fn new(
        schema: &Schema,
        leaves: &Leaves,
        pattern: Vec<Step>,
        encoding: &str,
        skip: usize,
        qualified: bool,
        depth: u32,
        aggregate: bool,
    ) -> PyResult<Self> {
        let elements =
            pattern.into_iter().map(|(name, module, keys)| Element { name, module, keys });
        let encoding = match encoding {
            "json" => Encoding::Json,
            "json-ietf" => Encoding::JsonIetf,
            "proto" => Encoding::Proto,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "{encoding:?} is no encoding; there are json, json-ietf, proto"
                )));
            }
        };
        Ok(Self(nf_gnmi::Shown {
            schema: Arc::clone(&schema.0),
            kept: leaves.0.clone(),
            pattern: Pattern::new(elements.collect())
                .map_err(|error| PyValueError::new_err(error.to_string()))?,
            encoding,
            skip,
            qualified,
            depth,
            aggregate,
        }))
    }

    /// What a Get is answered with.
    fn selected<'py>(
        &self,
        py: Python<'py>,
        tree: &Tree,
        before: &[u8],
    ) -> PyResult<(Bound<'py, PyBytes>, usize, bool)> {
        let made = tree.read(py, |tree| self.0.selected(tree, before)).map_err(write_error)?;
        Ok((PyBytes::new(py, &made.updates), made.found, made.only_terminals))
    }
}

/// One event.
#[pyclass(module = "nf._native.gnmi", frozen)]
struct Told {
    messages: Py<PyList>,
    told: RustTold,
}

impl Told {
    fn list(py: Python<'_>, events: Vec<RustTold>) -> PyResult<Vec<Self>> {
        events
            .into_iter()
            .map(|mut told| {
                let messages = std::mem::take(&mut told.messages);
                let messages = messages.iter().map(|message| PyBytes::new(py, message));
                Ok(Self { messages: PyList::new(py, messages)?.unbind(), told })
            })
            .collect()
    }
}

#[pymethods]
impl Told {
    /// SubscribeResponses.
    #[getter]
    fn messages<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.messages.bind(py).clone()
    }

    /// Paths that are gone.
    #[getter]
    fn deletes<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.told.deletes.iter().map(|path| PyBytes::new(py, path)).collect()
    }

    /// Path of the container that is told as a whole.
    #[getter]
    fn atomic<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.told.atomic.as_ref().map(|path| PyBytes::new(py, path))
    }

    /// Path and value of every update, for whoever is too slow for the messages.
    fn updates<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let bytes = |octets| PyBytes::new(py, octets);
        self.told.updates().map(|(path, value)| (bytes(path), bytes(value))).collect()
    }
}

/// One selection with one way of telling it.
#[pyclass(module = "nf._native.gnmi", frozen)]
struct Feed(Mutex<nf_gnmi::Feed>);

impl Feed {
    /// Runs with the feed and the tree locked and the GIL released.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        tree: &Tree,
        job: impl FnOnce(&mut nf_gnmi::Feed, &nf_libyang::Tree) -> Result<T, WriteError> + Send,
    ) -> PyResult<T> {
        tree.read(py, |tree| job(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), tree))
            .map_err(write_error)
    }
}

#[pymethods]
impl Feed {
    #[new]
    fn new(shown: &Shown, prefix: &[u8]) -> Self {
        Self(Mutex::new(nf_gnmi::Feed::new(shown.0.clone(), prefix.to_vec())))
    }

    /// Takes note of what there is and tells nothing.
    fn note(&self, py: Python<'_>, tree: &Tree) -> PyResult<()> {
        self.with(py, tree, |feed, tree| feed.note(tree))
    }

    /// Everything that was noted last.
    fn noted(&self, py: Python<'_>, timestamp: i64) -> PyResult<Vec<Told>> {
        let told =
            py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).noted(timestamp));
        Told::list(py, told)
    }

    /// Everything there is, without taking note of it.
    fn now(&self, py: Python<'_>, tree: &Tree, timestamp: i64) -> PyResult<Vec<Told>> {
        Told::list(py, self.with(py, tree, |feed, tree| feed.now(tree, timestamp))?)
    }

    /// What is new, other or gone since the last time.
    fn look(&self, py: Python<'_>, tree: &Tree, timestamp: i64) -> PyResult<Vec<Told>> {
        Told::list(py, self.with(py, tree, |feed, tree| feed.look(tree, timestamp))?)
    }

    /// Everything; of what is gone, that it is.
    fn sample(&self, py: Python<'_>, tree: &Tree, timestamp: i64) -> PyResult<Vec<Told>> {
        Told::list(py, self.with(py, tree, |feed, tree| feed.sample(tree, timestamp))?)
    }

    /// Messages out of the parts of several events.
    fn newest<'py>(
        &self,
        py: Python<'py>,
        timestamp: i64,
        updates: Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64)>,
        deletes: Vec<Bound<'py, PyBytes>>,
    ) -> Vec<Bound<'py, PyBytes>> {
        let feed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let updates = updates.iter().map(|(path, value, left_out)| -> Newest<'_> {
            (path.as_bytes(), value.as_bytes(), *left_out)
        });
        let messages = feed.newest(timestamp, deletes.iter().map(|path| path.as_bytes()), updates);
        messages.iter().map(|message| PyBytes::new(py, message)).collect()
    }
}
