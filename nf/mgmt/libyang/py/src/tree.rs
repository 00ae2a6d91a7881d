//! `Tree`.

use std::sync::Mutex;

use nf_libyang::{DefaultOperation, EditFailure, ErrorOption, Format, Tree as Data};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{data, defaults, locked, yang_error, yang_error_with};
use crate::diff::Diff;

/// One data tree.
#[pyclass(module = "nf._native.yang", frozen)]
pub struct Tree(pub(crate) Mutex<Data>);

impl From<Data> for Tree {
    fn from(tree: Data) -> Self {
        Self(Mutex::new(tree))
    }
}

impl Tree {
    /// Reads with the tree locked and the GIL released; for other faces.
    pub fn read<T: Send>(&self, py: Python<'_>, job: impl FnOnce(&Data) -> T + Send) -> T {
        py.detach(|| job(&locked(&self.0)))
    }

    /// Runs with the tree locked and the GIL released.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        job: impl FnOnce(&mut Data) -> Result<T, nf_libyang::Error> + Send,
    ) -> PyResult<T> {
        py.detach(|| job(&mut locked(&self.0))).map_err(yang_error)
    }
}

fn default_operation(word: &str) -> PyResult<DefaultOperation> {
    match word {
        "merge" => Ok(DefaultOperation::Merge),
        "replace" => Ok(DefaultOperation::Replace),
        "none" => Ok(DefaultOperation::None),
        _ => Err(PyValueError::new_err(format!(
            "{word:?} is no default operation; there are merge, replace, none"
        ))),
    }
}

fn error_option(word: &str) -> PyResult<ErrorOption> {
    match word {
        "stop-on-error" => Ok(ErrorOption::StopOnError),
        "continue-on-error" => Ok(ErrorOption::ContinueOnError),
        "rollback-on-error" => Ok(ErrorOption::RollbackOnError),
        _ => Err(PyValueError::new_err(format!(
            "{word:?} is no error option; there are stop-on-error, continue-on-error, rollback-on-error"
        ))),
    }
}

#[pymethods]
impl Tree {
    /// A tree of its own with the same content.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        self.with(py, |tree| tree.copy()).map(Self::from)
    }

    /// Checks all constraints and adds defaults; says what validation itself changed.
    #[pyo3(signature = (*, state=false))]
    fn validate(&self, py: Python<'_>, state: bool) -> PyResult<Diff> {
        self.with(py, |tree| tree.validate(state)).map(Diff::from)
    }

    /// Carries out the <config> of an <edit-config>, and says what changed.
    #[pyo3(signature = (config, *, default_operation="merge", error_option="rollback-on-error"))]
    fn edit(
        &self,
        py: Python<'_>,
        config: &[u8],
        default_operation: &str,
        error_option: &str,
    ) -> PyResult<Diff> {
        let default = self::default_operation(default_operation)?;
        let option = self::error_option(error_option)?;
        match py.detach(|| locked(&self.0).edit(config, default, option)) {
            Ok(diff) => Ok(diff.into()),
            Err(EditFailure { error, applied: None }) => Err(yang_error(error)),
            Err(EditFailure { error, applied: Some(diff) }) => {
                let diff = Py::new(py, Diff::from(diff))?;
                Err(yang_error_with(py, error, diff))
            }
        }
    }

    /// Carries changes out.
    fn apply(&self, py: Python<'_>, diff: &Diff) -> PyResult<()> {
        // A copy, so that no two locks are held at once.
        let diff = py.detach(|| locked(&diff.0).copy()).map_err(yang_error)?;
        self.with(py, move |tree| tree.apply(&diff))
    }

    /// What makes this tree into the other.
    fn diff(&self, py: Python<'_>, other: &Self) -> PyResult<Diff> {
        let other = other.with(py, |tree| tree.copy())?;
        self.with(py, move |tree| tree.diff(&other)).map(Diff::from)
    }

    /// Takes over every node of the other tree; its values win.
    fn merge(&self, py: Python<'_>, other: &Self) -> PyResult<()> {
        let other = other.with(py, |tree| tree.copy())?;
        self.with(py, move |tree| tree.merge(&other))
    }

    /// Takes over plain values, which win.
    fn merge_data(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = crate::convert::plain(data)?;
        self.with(py, move |tree| tree.merge_data(&data))
    }

    /// Sets a leaf, or creates an entry or container, with its parents.
    fn set(&self, py: Python<'_>, path: &str, value: Option<&str>) -> PyResult<()> {
        self.with(py, |tree| tree.set(path, value))
    }

    /// Removes what an XPath expression selects; says how many nodes were selected.
    fn remove(&self, py: Python<'_>, xpath: &str) -> PyResult<usize> {
        self.with(py, |tree| tree.remove(xpath))
    }

    /// The canonical value of a leaf.
    fn get(&self, py: Python<'_>, path: &str) -> PyResult<Option<String>> {
        self.with(py, |tree| tree.get(path))
    }

    /// Whether there is a node at a path.
    fn exists(&self, py: Python<'_>, path: &str) -> PyResult<bool> {
        self.with(py, |tree| tree.exists(path))
    }

    /// Data path and value of what an XPath expression selects.
    fn find(&self, py: Python<'_>, xpath: &str) -> PyResult<Vec<(String, Option<String>)>> {
        self.with(py, |tree| tree.find(xpath))
    }

    /// As RFC 7951 JSON, but as Python objects, with int for all integer types.
    #[pyo3(signature = (path=None, *, defaults=true))]
    fn to_data<'py>(
        &self,
        py: Python<'py>,
        path: Option<&str>,
        defaults: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = self.with(py, |tree| tree.to_data(path, defaults))?;
        data(py, values)
    }

    /// What a subtree filter selects.
    fn select_subtree(&self, py: Python<'_>, filter: &[u8]) -> PyResult<Self> {
        self.with(py, |tree| tree.select_subtree(filter)).map(Self::from)
    }

    /// What an XPath expression selects, with all ancestors and their keys.
    fn select_xpath(&self, py: Python<'_>, xpath: &str) -> PyResult<Self> {
        self.with(py, |tree| tree.select_xpath(xpath)).map(Self::from)
    }

    /// State alone, with the entries and containers that it stands in.
    fn only_state(&self, py: Python<'_>) -> PyResult<Self> {
        self.with(py, |tree| tree.only_state()).map(Self::from)
    }

    /// Configuration only.
    fn without_state(&self, py: Python<'_>) -> PyResult<Self> {
        self.with(py, |tree| tree.without_state()).map(Self::from)
    }

    /// The first levels only; the top level is 1.
    fn at_depth(&self, py: Python<'_>, depth: u32) -> PyResult<Self> {
        self.with(py, |tree| tree.at_depth(depth)).map(Self::from)
    }

    /// Writes the origin (RFC 8342) on top-level nodes.
    fn annotate_origin(&self, py: Python<'_>, origin: &str) -> PyResult<()> {
        self.with(py, |tree| tree.annotate_origin(origin))
    }

    /// Top-level nodes as XML.
    #[pyo3(signature = (*, defaults="explicit", indent=false))]
    fn to_xml(&self, py: Python<'_>, defaults: &str, indent: bool) -> PyResult<Vec<u8>> {
        let mode = self::defaults(defaults)?;
        self.with(py, |tree| tree.print(Format::Xml, mode, indent))
    }

    /// Top-level nodes as RFC 7951 JSON.
    #[pyo3(signature = (*, defaults="explicit", indent=false))]
    fn to_json(&self, py: Python<'_>, defaults: &str, indent: bool) -> PyResult<Vec<u8>> {
        let mode = self::defaults(defaults)?;
        self.with(py, |tree| tree.print(Format::Json, mode, indent))
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| locked(&self.0).len())
    }

    /// Whether there is no node at all.
    fn is_empty(&self, py: Python<'_>) -> bool {
        py.detach(|| locked(&self.0).is_empty())
    }
}
