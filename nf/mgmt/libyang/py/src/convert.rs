//! Values and errors as Python objects.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nf_libyang::{Data, Defaults, Error, Format, Name};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString, PyTuple};

mod errors {
    pyo3::import_exception!(nf.errors, YangError);
}

/// One thing that is wrong with data.
#[pyclass(module = "nf._native.yang", frozen, get_all, from_py_object)]
#[derive(Clone)]
pub(crate) struct Problem {
    /// NETCONF error-tag.
    tag: String,
    /// What is wrong.
    message: String,
    /// Data path with module names and keys.
    path: Option<String>,
    /// The model's error-app-tag, or RFC 7950's.
    app_tag: Option<String>,
    /// Line of the input.
    line: Option<u32>,
    /// The element or attribute that is wrong.
    element: Option<String>,
}

#[pymethods]
impl Problem {
    #[new]
    #[pyo3(signature = (tag, message, path=None, app_tag=None, line=None, element=None))]
    fn new(
        tag: String,
        message: String,
        path: Option<String>,
        app_tag: Option<String>,
        line: Option<u32>,
        element: Option<String>,
    ) -> Self {
        Self { tag, message, path, app_tag, line, element }
    }

    fn __repr__(&self) -> String {
        let mut text = format!("Problem(tag={:?}, message={:?}", self.tag, self.message);
        let parts = [("path", &self.path), ("app_tag", &self.app_tag), ("element", &self.element)];
        for (name, value) in parts {
            if let Some(value) = value {
                text.push_str(&format!(", {name}={value:?}"));
            }
        }
        text + ")"
    }
}

impl From<nf_libyang::Problem> for Problem {
    fn from(one: nf_libyang::Problem) -> Self {
        Self {
            tag: one.tag.to_string(),
            message: one.message,
            path: one.path,
            app_tag: one.app_tag,
            line: one.line,
            element: one.element,
        }
    }
}

/// The exception for what libyang or the edit engine refuses.
pub fn yang_error(error: Error) -> PyErr {
    let text = error.to_string();
    let problems: Vec<Problem> = error.problems.into_iter().map(Problem::from).collect();
    errors::YangError::new_err((text, problems))
}

/// The same, with what was done before the edit stopped.
pub(crate) fn yang_error_with(py: Python<'_>, error: Error, diff: Py<crate::diff::Diff>) -> PyErr {
    let raised = yang_error(error);
    match raised.value(py).setattr("diff", diff) {
        Ok(()) => raised,
        Err(other) => other,
    }
}

/// Locks what no panic can have left half done: trees are changed by C code that does not unwind.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn format(word: &str) -> PyResult<Format> {
    match word {
        "xml" => Ok(Format::Xml),
        "json" => Ok(Format::Json),
        _ => Err(PyValueError::new_err(format!("{word:?} is no format; there are xml and json"))),
    }
}

pub(crate) fn defaults(word: &str) -> PyResult<Defaults> {
    match word {
        "explicit" => Ok(Defaults::Explicit),
        "trim" => Ok(Defaults::Trim),
        "report-all" => Ok(Defaults::ReportAll),
        "report-all-tagged" => Ok(Defaults::ReportAllTagged),
        _ => Err(PyValueError::new_err(format!(
            "{word:?} is no with-defaults mode; there are explicit, trim, report-all, report-all-tagged"
        ))),
    }
}

/// Plain values as Python objects. Recursion is as deep as the schema.
pub(crate) fn data<'py>(py: Python<'py>, value: Data) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Data::Null => Ok(py.None().into_bound(py)),
        Data::Bool(v) => v.into_bound_py_any(py),
        Data::Int(v) => v.into_bound_py_any(py),
        Data::Text(v) => v.into_bound_py_any(py),
        Data::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(data(py, item)?)?;
            }
            list.into_bound_py_any(py)
        }
        Data::Object(members) => {
            let dict = PyDict::new(py);
            for (name, value) in members {
                dict.set_item(&*name, data(py, value)?)?;
            }
            dict.into_bound_py_any(py)
        }
        Data::Json(text) => py.import("json")?.call_method1("loads", (text,)),
    }
}

/// Python objects as plain values.
pub(crate) fn plain(value: &Bound<'_, PyAny>) -> PyResult<Data> {
    Plain::default().at(value, 0)
}

/// Deepest nesting of what Python hands in; no model of ours comes near.
const MAX_DEPTH: u16 = 128;

/// One conversion.
#[derive(Default)]
struct Plain {
    /// Names by the address of Python's string, which lives as long as what is converted: the same
    /// few stand in every entry of a list.
    names: HashMap<usize, Name>,
}

impl Plain {
    fn name(&mut self, name: &Bound<'_, PyAny>) -> PyResult<Name> {
        if let Some(known) = self.names.get(&(name.as_ptr() as usize)) {
            return Ok(Name::clone(known));
        }
        let made: Name = name.cast::<PyString>()?.to_str()?.into();
        self.names.insert(name.as_ptr() as usize, Name::clone(&made));
        Ok(made)
    }

    fn at(&mut self, value: &Bound<'_, PyAny>, depth: u16) -> PyResult<Data> {
        if depth > MAX_DEPTH {
            return Err(PyValueError::new_err(format!(
                "values are nested deeper than {MAX_DEPTH}"
            )));
        }
        if value.is_none() {
            return Ok(Data::Null);
        }
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(Data::Text(text.to_str()?.to_string()));
        }
        // A bool is an int as well, so it comes first.
        if let Ok(truth) = value.cast::<PyBool>() {
            return Ok(Data::Bool(truth.is_true()));
        }
        if let Ok(number) = value.cast::<PyInt>() {
            // Most fit, and are read without a detour through text or halves.
            return match number.extract::<i64>() {
                Ok(number) => Ok(Data::Int(number.into())),
                Err(_) => Ok(Data::Int(number.extract()?)),
            };
        }
        if let Ok(dict) = value.cast::<PyDict>() {
            let members = dict
                .iter()
                .map(|(name, value)| Ok((self.name(&name)?, self.at(&value, depth + 1)?)));
            return Ok(Data::Object(members.collect::<PyResult<_>>()?));
        }
        if let Ok(list) = value.cast::<PyList>() {
            let items = list.iter().map(|item| self.at(&item, depth + 1));
            return Ok(Data::List(items.collect::<PyResult<_>>()?));
        }
        if value.is_instance_of::<PyTuple>() {
            let items = value.try_iter()?.map(|item| self.at(&item?, depth + 1));
            return Ok(Data::List(items.collect::<PyResult<_>>()?));
        }
        let kind = value.get_type().name()?.to_string();
        Err(PyTypeError::new_err(format!(
            "a {kind} is no value of YANG; decimal64 is given as text"
        )))
    }
}
